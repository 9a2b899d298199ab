#include "watchdog_stack.hpp"

#include <weir/io/thread_clock.hpp>

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <sched.h>
#include <semaphore.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <mutex>

namespace weir::watchdog_stack {
namespace {

constexpr int frames_max = 64;
/// Of the walk itself: the signal's handler and the frame by which the kernel calls it.
constexpr int frames_of_signal = 2;

std::mutex one_at_a_time;
std::atomic<int> signal_number{0};

/// Asked for by a thread id, answered by its negative: a thread that comes late finds another number there,
/// or none, and leaves everything alone. While it writes it is claimed.
constexpr pid_t claimed = 1; // init is no thread of ours
std::atomic<pid_t> wanted_thread{0};
std::array<void*, frames_max> frames;
int frame_count = 0;
sem_t answered; ///< posting it is safe in a signal handler (signal-safety(7))

void on_signal(int) {
  const int kept_errno = errno;
  const pid_t self = ::gettid();
  pid_t expected = self;
  if (wanted_thread.compare_exchange_strong(expected, claimed, std::memory_order_acquire)) {
    frame_count = ::backtrace(frames.data(), frames_max);
    wanted_thread.store(-self, std::memory_order_release);
    ::sem_post(&answered);
  }
  errno = kept_errno;
}

/// True when the answer is there. A thread that has begun to answer will end.
bool wait_for_answer(pid_t thread_id) {
  constexpr std::uint64_t patience_ns = 100'000'000;
  constexpr std::uint64_t second_ns = 1'000'000'000;
  const std::uint64_t until_ns = thread_clock::now_ns() + patience_ns;
  const timespec until{static_cast<time_t>(until_ns / second_ns), static_cast<long>(until_ns % second_ns)};
  while (wanted_thread.load(std::memory_order_acquire) != -thread_id)
    if (::sem_clockwait(&answered, CLOCK_MONOTONIC, &until) != 0 && errno != EINTR) break;
  pid_t unanswered = thread_id;
  if (wanted_thread.compare_exchange_strong(unanswered, 0)) return false;
  while (wanted_thread.load(std::memory_order_acquire) != -thread_id) ::sched_yield(); // it writes
  return true;
}

std::string readable_name(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(symbol, nullptr, nullptr, &status),
                                                    std::free);
  return status == 0 ? name.get() : symbol;
}

} // namespace

void prepare(int signal) {
  static std::once_flag once;
  std::call_once(once, [signal] {
    std::array<void*, 2> unused;
    ::backtrace(unused.data(), static_cast<int>(unused.size())); // loads libgcc
    ::sem_init(&answered, 0, 0);
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    const int number = signal != 0 ? signal : SIGRTMAX;
    if (::sigaction(number, &action, nullptr) == 0) signal_number = number;
  });
}

std::vector<std::string> of_thread(pid_t thread_id) {
  const std::lock_guard lock(one_at_a_time);
  if (signal_number == 0) return {};
  while (::sem_trywait(&answered) == 0) { // of one that came late
  }
  wanted_thread.store(thread_id, std::memory_order_release);
  if (::tgkill(::getpid(), thread_id, signal_number) != 0 || !wait_for_answer(thread_id)) {
    wanted_thread = 0;
    return {};
  }
  wanted_thread = 0;
  std::vector<std::string> stack;
  for (int i = frames_of_signal; i < frame_count; ++i)
    stack.push_back(describe(frames[static_cast<std::size_t>(i)]));
  return stack;
}

std::string describe(void* address) {
  Dl_info found{};
  char text[64];
  const auto number = reinterpret_cast<std::uintptr_t>(address);
  if (::dladdr(address, &found) == 0 || !found.dli_fname) {
    std::snprintf(text, sizeof text, "%#zx", number);
    return text;
  }
  const std::string file = found.dli_fname;
  const std::string program = file.substr(file.rfind('/') + 1);
  if (found.dli_sname) {
    std::snprintf(text, sizeof text, "+%#zx", number - reinterpret_cast<std::uintptr_t>(found.dli_saddr));
    return readable_name(found.dli_sname) + text + " (" + program + ")";
  }
  std::snprintf(text, sizeof text, "+%#zx", number - reinterpret_cast<std::uintptr_t>(found.dli_fbase));
  return program + text;
}

} // namespace weir::watchdog_stack
