// spawn_plan: a command as CreateProcess (Win32) wants it: which handles the child inherits, and as what. It
// inherits copies, made for this, and by name (PROC_THREAD_ATTRIBUTE_HANDLE_LIST). The three standard streams
// are said to the system, all of them to the C runtime of the child, which knows them as descriptors.
#pragma once

#include <weir/io/platform/sockets.hpp>
#include <weir/os/process.hpp>

#include <cstddef>
#include <vector>

namespace weir {

class spawn_plan {
 public:
  explicit spawn_plan(const command& what) : what_(what), given_(3, INVALID_HANDLE_VALUE) {}
  ~spawn_plan();
  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;

  /// Makes the child's standard streams. Of a pipe, these are given the end that stays here.
  result<> redirect_streams(pipe_end& input, pipe_end& output, pipe_end& errors);
  /// What the command passes besides.
  result<> pass_descriptors();

  /// Starts the program; its handle.
  result<descriptor> run();

 private:
  result<> redirect(std::size_t number, const redirection& to, pipe_end& ours);
  result<> give(std::size_t number, HANDLE source);
  result<> give_pipe(std::size_t number, pipe_end& ours);
  std::vector<std::byte> block_of_runtime() const;
  std::wstring path_of_program() const;
  std::unexpected<error> failure(unsigned long windows_error) const;

  const command& what_;
  std::vector<HANDLE> given_; ///< copies that the child inherits, by its descriptor; some may be none
};

} // namespace weir
