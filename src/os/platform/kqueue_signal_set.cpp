#include "kqueue_event_queue.hpp"
#include "posix_blocked_signals.hpp"

#include <weir/os/readiness.hpp>
#include <weir/os/signal_set.hpp>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <mutex>
#include <optional>

namespace weir {
namespace {

/// Each queue that listens to a signal is told of each delivery. So the sets of a signal share one, and who
/// takes a delivery from it has it for itself. That is what counts and not what is pending: kqueue(2) tells
/// before the signal is.
struct signal_source {
  descriptor queue;
  std::uint32_t sets = 0;
  std::uint32_t untold = 0;
};

class signal_sources {
 public:
  /// The set's queue is readable from now on while something of this signal is untold.
  result<> join(int number, int queue_of_set);
  void leave(int number) noexcept;
  /// Whether there was one; nobody else gets it.
  result<bool> take(int number) noexcept;

 private:
  static int listen(signal_source& source, int number) noexcept;
  signal_source& at(int number) noexcept { return all_[static_cast<std::size_t>(number)]; }

  std::mutex mutex_;
  std::array<signal_source, signal_numbers_end> all_;
};

/// For the whole process, and never destroyed: sets may be left when it ends.
signal_sources& sources() {
  static signal_sources& all = *new signal_sources;
  return all;
}

bool is_pending(int number) noexcept {
  sigset_t pending;
  return ::sigpending(&pending) == 0 && sigismember(&pending, number) == 1;
}

/// Each of these counts; all others that nobody took are one.
bool is_queued([[maybe_unused]] int number) noexcept {
#ifdef SIGRTMIN
  return number >= SIGRTMIN && number <= SIGRTMAX;
#else
  return false;
#endif
}

result<> signal_sources::join(int number, int queue_of_set) {
  const std::lock_guard<std::mutex> exclusive(mutex_);
  signal_source& source = at(number);
  ++source.sets;
  if (!source.queue) {
    result<descriptor> queue = open_event_queue();
    if (!queue) return fail(std::move(queue).error());
    source.queue = std::move(*queue);
    source.untold = 0;
    if (const int listened = listen(source, number); listened < 0) {
      source.queue.reset();
      return fail(error::from_errno(-listened, "kevent"));
    }
  }
  const auto readable = static_cast<std::uintptr_t>(readable_face(source.queue.get()));
  const int joined = change_event(queue_of_set, event_of(readable, EVFILT_READ, EV_ADD));
  if (joined < 0) return fail(error::from_errno(-joined, "kevent"));
  return {};
}

int signal_sources::listen(signal_source& source, int number) noexcept {
  const auto ident = static_cast<std::uintptr_t>(number);
  const int listened = change_event(source.queue.get(), event_of(ident, EVFILT_SIGNAL, EV_ADD));
  if (listened < 0 || !is_pending(number)) return listened;
  source.untold = 1; // it came before
  return make_readable(source.queue.get());
}

void signal_sources::leave(int number) noexcept {
  const std::lock_guard<std::mutex> exclusive(mutex_);
  if (--at(number).sets == 0) at(number).queue.reset();
}

result<bool> signal_sources::take(int number) noexcept {
  const std::lock_guard<std::mutex> exclusive(mutex_);
  signal_source& source = at(number);
  std::array<kernel_event, 2> events;
  const int count = take_events(source.queue.get(), events);
  if (count < 0) return fail(error::from_errno(-count, "kevent"));
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
    if (events[i].filter == EVFILT_SIGNAL)
      source.untold = is_queued(number) ? source.untold + static_cast<std::uint32_t>(events[i].data) : 1;
  if (source.untold == 0) return false;
  if (--source.untold > 0) make_readable(source.queue.get());
  return true;
}

#ifdef LIBKQUEUE // which takes a signal away to tell of it
constexpr bool is_told_beside_delivery = false;
#else
constexpr bool is_told_beside_delivery = true;
#endif

/// One that is pending, where the system has a call that takes it and does not wait: not macOS, OpenBSD.
std::optional<siginfo_t> take_pending_signal([[maybe_unused]] const sigset_t& numbers) noexcept {
#if _POSIX_REALTIME_SIGNALS > 0
  constexpr timespec at_once{0, 0};
  for (;;) {
    siginfo_t told{};
    if (::sigtimedwait(&numbers, &told, &at_once) > 0) return told;
    if (errno != EINTR) break;
  }
#endif
  return std::nullopt;
}

/// What kqueue(2) tells nothing of, where the signal itself can be taken: it is pending, since it is blocked.
signal_notice notice_of(int number) noexcept {
  signal_notice notice;
  notice.number = number;
  if (!is_told_beside_delivery) return notice;
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  if (const std::optional<siginfo_t> told = take_pending_signal(one)) {
    notice.code = told->si_code;
    notice.sender = told->si_pid;
    notice.sender_user = told->si_uid;
  }
  return notice;
}

} // namespace

result<signal_set> signal_set::open(std::initializer_list<int> wanted) {
  sigset_t numbers;
  sigemptyset(&numbers);
  for (const int number : wanted) // macOS' sigaddset takes whatever it is given
    if (sigaddset(&numbers, number) != 0 || sigismember(&numbers, number) != 1)
      return fail(errc::invalid_argument, "signal_set: no such signal");
  result<descriptor> queue = open_event_queue();
  if (!queue) return fail(std::move(queue).error());
  block_signals(numbers);
  signal_set made(std::move(*queue), numbers);
  result<> joined;
  for_each_signal(numbers, [&](int number) { // all of them, since the set leaves all of them
    if (result<> done = sources().join(number, made.source_.get()); !done) joined = std::move(done);
  });
  if (!joined) return fail(std::move(joined).error());
  return made;
}

signal_set::~signal_set() {
  if (!source_) return;
  source_.reset();
  for_each_signal(numbers_, [](int number) { sources().leave(number); });
  unblock_signals(numbers_);
}

task<result<signal_notice>> signal_set::next() {
  for (;;) {
    result<> pending = co_await readable(readable_face(source_.get()));
    if (!pending) co_return fail(std::move(pending).error());
    for (int number = 1; number < static_cast<int>(signal_numbers_end); ++number) {
      if (sigismember(&numbers_, number) != 1) continue;
      result<bool> is_told = sources().take(number);
      if (!is_told) co_return fail(std::move(is_told).error());
      if (!*is_told) continue; // or another set took it
      signal_notice notice = notice_of(number);
      notice.count = ++counts_[static_cast<std::size_t>(number)];
      co_return notice;
    }
  }
}

} // namespace weir
