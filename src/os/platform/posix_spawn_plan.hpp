// spawn_plan: a command as posix_spawn(3) wants it: which descriptors become which, and what else the child
// is given. For the systems whose posix_spawn(3) closes all other descriptors (FreeBSD 13.1, glibc 2.34,
// macOS) and enters a directory (FreeBSD 13.1, glibc 2.29, macOS 10.15).
#pragma once

#include <weir/os/process.hpp>

#include <spawn.h>

#include <vector>

namespace weir {

class spawn_plan {
 public:
  explicit spawn_plan(const command& what);
  ~spawn_plan();
  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;

  /// Makes the child's standard streams. Of a pipe, these are given the end that stays here.
  result<> redirect_streams(pipe_end& input, pipe_end& output, pipe_end& errors);
  /// What the command passes besides, and the end of all other descriptors.
  result<> pass_descriptors();

  /// Starts the program; its id.
  result<pid_t> run();

 private:
  result<> redirect(int number, const redirection& to, pipe_end& ours);
  result<> give(int number, int source);
  result<> keep(int number);
  result<> close_from(int first);

  const command& what_;
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
  short flags_ = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  std::vector<descriptor> copies_; ///< of what is given, above all numbers that the child gets
};

} // namespace weir
