#include <weir/io/system_calls.hpp>
#include <weir/os/readiness.hpp>
#include <weir/os/signal_set.hpp>

#include <sys/signalfd.h>

#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>

namespace weir {
namespace {

/// What sets have done to the mask of this thread.
struct blocked_signal {
  std::uint32_t sets = 0;
  bool is_blocked_by_sets = false; ///< also without a set, while another thread has one
};
thread_local std::array<blocked_signal, NSIG> blocked_here;

/// The sets of all threads: what is pending of the process is for any of them.
std::array<std::atomic<std::uint32_t>, NSIG> sets_of_process;

template <class Visit>
void for_each_in(const sigset_t& numbers, Visit visit) {
  for (int number = 1; number < NSIG; ++number) {
    const auto index = static_cast<std::size_t>(number);
    if (sigismember(&numbers, number) == 1) visit(number, blocked_here[index], sets_of_process[index]);
  }
}

void block_signals(const sigset_t& numbers) noexcept {
  sigset_t before;
  calls().pthread_sigmask(SIG_BLOCK, numbers, before);
  for_each_in(numbers, [&](int number, blocked_signal& state, std::atomic<std::uint32_t>& everywhere) {
    if (state.sets++ == 0 && sigismember(&before, number) == 0) state.is_blocked_by_sets = true;
    ++everywhere;
  });
}

void unblock_signals(const sigset_t& numbers) noexcept {
  sigset_t released;
  sigemptyset(&released);
  for_each_in(numbers, [&](int number, blocked_signal& state, std::atomic<std::uint32_t>& everywhere) {
    assert(state.sets > 0 && "a set is destroyed on the thread that opened it");
    const bool is_last_here = --state.sets == 0;
    const bool is_last = --everywhere == 0;
    if (!is_last_here || !is_last || !state.is_blocked_by_sets) return;
    state.is_blocked_by_sets = false;
    sigaddset(&released, number);
  });
  while (calls().take_signal(released) > 0) {
  }
  sigset_t before;
  calls().pthread_sigmask(SIG_UNBLOCK, released, before);
}

} // namespace

result<signal_set> signal_set::open(std::initializer_list<int> wanted) {
  sigset_t numbers;
  sigemptyset(&numbers);
  for (const int number : wanted)
    if (sigaddset(&numbers, number) != 0) return fail(errc::invalid_argument, "signal_set: no such signal");
  descriptor source(calls().signalfd(-1, numbers, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!source) return fail(error::from_errno(errno, "signalfd"));
  block_signals(numbers);
  return signal_set(std::move(source), numbers);
}

signal_set::~signal_set() {
  if (source_) unblock_signals(numbers_);
}

task<result<signal_notice>> signal_set::next() {
  for (;;) {
    result<> pending = co_await readable(source_.get());
    if (!pending) co_return fail(std::move(pending).error());
    signalfd_siginfo told{};
    const ssize_t got = calls().read(source_.get(), &told, sizeof told);
    if (got == static_cast<ssize_t>(sizeof told)) {
      signal_notice notice;
      notice.number = static_cast<int>(told.ssi_signo);
      notice.code = told.ssi_code;
      notice.sender = static_cast<pid_t>(told.ssi_pid);
      notice.sender_user = told.ssi_uid;
      notice.count = ++counts_[told.ssi_signo];
      co_return notice;
    }
    if (got < 0 && errno != EAGAIN)
      co_return fail(error::from_errno(errno, "signalfd")); // else another took it
  }
}

} // namespace weir
