// signal_set: signals as something that a coroutine waits for, instead of handlers:
//
//   result<signal_set> wanted = signal_set::open({SIGINT, SIGTERM});
//   result<signal_notice> told = co_await wanted->next();
//
// Its signals are blocked (pthread_sigmask(2)) for the thread that opens it and for threads that this one
// starts meanwhile; one that any other thread does not block may be delivered there instead. So open it
// before threads are started. Several sets may name a signal: each delivery goes to one of them. When the
// last set of the process that names a signal goes, what is pending of it is dropped (delivered, it might end
// the process after its work was done) and its thread unblocks it, unless it was blocked before. A thread
// whose last set goes earlier leaves it blocked: it would take what the others wait for.
//
// Bound: the kernel's. Signals of one number below SIGRTMIN that nobody took yet are one; those from SIGRTMIN
// on queue up to RLIMIT_SIGPENDING (signal(7)). Thread rule: opened and destroyed on one thread, the loop's.
// Lifetime: movable; outlives its waits. Cancel-safety: a cancelled `next` takes no signal. Source:
// signalfd(2), kqueue(2).
//
// Windows: the events of the console, which come on a thread of the system: Ctrl-C is SIGINT, Ctrl-Break is
// SIGBREAK; that the console is closed, the user logs off or the system shuts down is SIGTERM. Behind the
// last three the system ends the process after 5 seconds (20 at a shutdown), whatever is done: be quicker.
// What the process raises itself (raise(3)) comes as well. `open` refuses other numbers with
// std::errc::not_supported. No number queues; `code`, `sender` and `sender_user` are 0. No thread's mask
// counts: a set may be opened at any time, and what its last one leaves pending is dropped. Source:
// SetConsoleCtrlHandler (Win32).
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/io/platform/signals.hpp>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>

namespace weir {

struct signal_notice {
  int number = 0;          ///< SIGTERM
  int code = 0;            ///< SI_USER, SI_KERNEL: how it was raised (sigaction(2)), where the system tells
  pid_t sender = 0;        ///< 0 when it was the kernel, or nothing tells
  uid_t sender_user = 0;   ///< whose process that is
  std::uint32_t count = 0; ///< how many of this number the set has told so far, this one included
};

class signal_set {
 public:
  static result<signal_set> open(std::initializer_list<int> numbers);
  signal_set(signal_set&&) = default;
  signal_set& operator=(signal_set&&) = delete;
  ~signal_set();

  /// The next one; what is pending already ends the wait at once.
  task<result<signal_notice>> next();

 private:
  signal_set(descriptor source, const sigset_t& numbers) noexcept
      : source_(std::move(source)), numbers_(numbers) {}

  descriptor source_;
  sigset_t numbers_;
  std::array<std::uint32_t, signal_numbers_end> counts_{};
};

} // namespace weir
