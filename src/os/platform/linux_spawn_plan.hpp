// spawn_plan: a command as posix_spawn(3) wants it: which descriptors become which, and what else the child
// is given.
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

  /// Makes the child's standard stream `number`. Of a pipe, `ours` is the end that stays here.
  result<> redirect(int number, const redirection& to, pipe_end& ours);
  /// What the command passes besides, and the end of all other descriptors.
  result<> pass_descriptors();

  /// Starts the program; its id.
  result<pid_t> run();

 private:
  result<> give(int number, int source);

  const command& what_;
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
  std::vector<descriptor> copies_; ///< of what is given, above all numbers that the child gets
};

} // namespace weir
