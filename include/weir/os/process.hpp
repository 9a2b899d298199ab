// process: a child process, its standard streams, and its end as something that a coroutine waits for.
//
//   command list("ls", {"-l", "/"});
//   list.output = redirection::pipe();
//   result<process> child = process::spawn(list);
//   … co_await child->output().read_some(bytes) … result<exit_status> end = co_await child->wait();
//
// The child gets the descriptors that the command names and no other, no blocked signal, and SIGPIPE as it is
// by default. `spawn` holds up the loop until the program runs or is known not to (posix_spawn(3)), usually
// less than a millisecond. The end is seen through a pidfd (pidfd_open(2)) or a kqueue(2): SIGCHLD is not
// used, nobody else's children are reaped. A program that ignores SIGCHLD gets no exit status from anyone
// (waitid(2)).
//
// Thread rule: the loop's thread. Lifetime: movable; outlives its waits. No zombie is left: whoever drops a
// process that was not waited for kills it (SIGKILL) and waits, in the destructor, until the kernel has ended
// it; `kill` and `wait` before do the same without holding up the loop. One that may not be killed (EPERM: it
// runs as another user) is not waited for: it goes on, and is a zombie from its end to that of this process.
// Grandchildren are not killed. Cancel-safety: `wait` cancelled loses nothing; the status is kept, for any
// number of waits, also when the child ended before the first. Bound: three pipes and one pidfd a child;
// RLIMIT_NPROC.
//
// Windows: texts are UTF-8. Arguments are quoted as the C runtime of the child takes them apart; batch files,
// which do not, are no programs (std::errc::executable_format_error). The child inherits the handles of its
// streams and of `passed`, the latter as descriptors of its C runtime. SIGKILL and SIGTERM end it, its exit
// status is then 0xe0574500 and the number; other signals are std::errc::not_supported. A thread of the
// system waits for up to 63 children. A descriptor that a child is given should not be overlapped: most
// programs know nothing of such. A program that needs SystemRoot must find it in `environment`.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/io/platform/signals.hpp>
#include <weir/os/exit_status.hpp>
#include <weir/os/pipe_end.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// What one of the child's standard streams is.
class redirection {
 public:
  enum class target : std::uint8_t { inherited, nothing, pipe, descriptor };

  /// This process's own.
  static redirection inherited() noexcept { return redirection(target::inherited, -1); }
  /// /dev/null
  static redirection nothing() noexcept { return redirection(target::nothing, -1); }
  /// A pipe whose other end the process object has.
  static redirection pipe() noexcept { return redirection(target::pipe, -1); }
  /// A copy of a descriptor, which must be open until `spawn` returns.
  static redirection to(int descriptor) noexcept { return redirection(target::descriptor, descriptor); }

  target kind() const noexcept { return kind_; }
  int descriptor() const noexcept { return descriptor_; }

 private:
  redirection(target kind, int descriptor) noexcept : kind_(kind), descriptor_(descriptor) {}

  target kind_;
  int descriptor_;
};

struct command {
  /// Without a slash `program` is searched for in this process's PATH. `arguments`: without the program's own
  /// name.
  explicit command(std::string program_to_run, std::vector<std::string> with_arguments = {})
      : program(std::move(program_to_run)), arguments(std::move(with_arguments)) {}

  std::string program;
  std::vector<std::string> arguments;
  std::optional<std::vector<std::string>> environment; ///< "NAME=value"; without it, this process's own
  std::string directory;                               ///< empty: this process's own
  redirection input = redirection::inherited();
  redirection output = redirection::inherited();
  redirection errors = redirection::inherited();
  std::vector<int> passed; ///< copies of these are the child's descriptors 3, 4, and so on
};

class process {
 public:
  /// An error names the program, or the directory that is none.
  static result<process> spawn(const command& what);
  process(process&& other) noexcept;
  process& operator=(process&&) = delete;
  ~process();

  pid_t id() const noexcept { return id_; }

  /// How it ended, once it has.
  task<result<exit_status>> wait();
  /// Sends a signal; std::errc::no_such_process when it has ended and was waited for.
  result<> kill(int signal);

  /// Our ends of the streams that are pipes; others are empty.
  pipe_end& input() noexcept { return input_; }
  pipe_end& output() noexcept { return output_; }
  pipe_end& errors() noexcept { return errors_; }

 private:
  process() = default;
  bool reap(int options) noexcept; // of POSIX

  pid_t id_ = -1;     ///< not positive: nothing to end any more
  descriptor handle_; ///< pidfd_open(2), kqueue(2), or the process itself
  std::optional<exit_status> ended_;
  pipe_end input_;
  pipe_end output_;
  pipe_end errors_;
};

} // namespace weir
