#include "../../io/platform/windows_errors.hpp"
#include "../../io/platform/windows_handles.hpp"

#include <weir/os/readiness.hpp>
#include <weir/os/signal_set.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>
#include <vector>

namespace weir {
namespace {

using raised_handler = void (*)(int);

constexpr std::array signals_of_windows = {SIGINT, SIGBREAK, SIGTERM};

constexpr sigset_t bit_of(int number) noexcept {
  return sigset_t{1} << number;
}

BOOL on_console_event(DWORD event) noexcept;
void on_raised(int number) noexcept;

/// Twice the same, so that one can come before the other goes.
template <int>
BOOL WINAPI console_handler(DWORD event) noexcept {
  return on_console_event(event);
}

/// The sets of the process, and what none of them has taken yet. Threads of the system come here too.
class signal_registry {
 public:
  void add(HANDLE event, sigset_t numbers) {
    const std::lock_guard lock(mutex_);
    sets_.push_back({event, numbers});
    for (std::size_t i = 0; i < signals_of_windows.size(); ++i) {
      const int number = signals_of_windows[i];
      if ((numbers & ~installed_ & bit_of(number)) == 0) continue;
      before_[i] = std::signal(number, on_raised);
      installed_ |= bit_of(number);
    }
    stand_in_front();
    if ((pending_ & numbers) != 0) ::SetEvent(event);
  }

  /// What only this one wanted does again what it did before.
  void remove(HANDLE event) noexcept {
    const std::lock_guard lock(mutex_);
    std::erase_if(sets_, [&](const opened_set& each) { return each.event == event; });
    sigset_t wanted = 0;
    for (const opened_set& each : sets_) wanted |= each.numbers;
    for (std::size_t i = 0; i < signals_of_windows.size(); ++i)
      if ((installed_ & ~wanted & bit_of(signals_of_windows[i])) != 0)
        std::signal(signals_of_windows[i], before_[i]);
    installed_ &= wanted;
    pending_ &= wanted;
    if (sets_.empty()) ::SetConsoleCtrlHandler(handlers_[0], FALSE);
  }

  /// False when no set names it.
  bool deliver(int number) noexcept {
    const std::lock_guard lock(mutex_);
    for (const opened_set& each : sets_)
      if ((each.numbers & bit_of(number)) != 0) ::SetEvent(each.event);
    if ((installed_ & bit_of(number)) == 0) return false;
    pending_ |= bit_of(number);
    return true;
  }

  /// One of these that is pending; 0 when there is none. Resets the event behind the last.
  int take(HANDLE event, sigset_t numbers) noexcept {
    const std::lock_guard lock(mutex_);
    int taken = 0;
    for (const int number : signals_of_windows)
      if (taken == 0 && (pending_ & numbers & bit_of(number)) != 0) taken = number;
    if (taken != 0) pending_ &= ~bit_of(taken);
    if ((pending_ & numbers) == 0) ::ResetEvent(event);
    return taken;
  }

 private:
  struct opened_set {
    HANDLE event;
    sigset_t numbers;
  };

  /// The last that came is asked first; that of the C runtime may have come just now.
  void stand_in_front() noexcept {
    std::swap(handlers_[0], handlers_[1]);
    ::SetConsoleCtrlHandler(handlers_[0], TRUE);
    ::SetConsoleCtrlHandler(handlers_[1], FALSE); // fails for the first set: there is none
  }

  std::mutex mutex_;
  std::vector<opened_set> sets_;
  std::array<PHANDLER_ROUTINE, 2> handlers_ = {console_handler<0>,
                                               console_handler<1>}; ///< the first is in use
  std::array<raised_handler, signals_of_windows.size()> before_{};  ///< of the C runtime
  sigset_t installed_ = 0;                                          ///< some set names it
  sigset_t pending_ = 0;
};

/// Never destroyed: threads of the system come to the end of the process.
signal_registry& registry_of_process() {
  static signal_registry& only = *new signal_registry;
  return only;
}

/// The system ends the process when a handler of these events returns, and at a time of its own if it does
/// not.
void leave_time_to_end() noexcept {
  ::Sleep(INFINITE);
}

BOOL on_console_event(DWORD event) noexcept {
  switch (event) {
  case CTRL_C_EVENT:
    return registry_of_process().deliver(SIGINT);
  case CTRL_BREAK_EVENT:
    return registry_of_process().deliver(SIGBREAK);
  case CTRL_CLOSE_EVENT:
  case CTRL_LOGOFF_EVENT:
  case CTRL_SHUTDOWN_EVENT:
    if (registry_of_process().deliver(SIGTERM)) leave_time_to_end();
    return FALSE;
  default:
    return FALSE;
  }
}

/// The C runtime forgets its handler each time.
void on_raised(int number) noexcept {
  std::signal(number, on_raised);
  registry_of_process().deliver(number);
}

} // namespace

result<signal_set> signal_set::open(std::initializer_list<int> wanted) {
  sigset_t numbers = 0;
  for (const int number : wanted) {
    if (number <= 0 || number >= NSIG) return fail(errc::invalid_argument, "signal_set: no such signal");
    if (std::ranges::find(signals_of_windows, number) == signals_of_windows.end())
      return fail(std::errc::not_supported,
                  "signal_set: Windows tells of SIGINT, SIGBREAK and SIGTERM, of no other signal");
    numbers |= bit_of(number);
  }
  const HANDLE event = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
  if (!event) return fail(error::from_errno(platform::errno_of(::GetLastError()), "CreateEvent"));
  descriptor source(platform::descriptor_of(event));
  registry_of_process().add(event, numbers);
  return signal_set(std::move(source), numbers);
}

signal_set::~signal_set() {
  if (source_) registry_of_process().remove(platform::handle_of(source_.get()));
}

task<result<signal_notice>> signal_set::next() {
  for (;;) {
    result<> pending = co_await readable(source_.get());
    if (!pending) co_return fail(std::move(pending).error());
    const int number = registry_of_process().take(platform::handle_of(source_.get()), numbers_);
    if (number == 0) continue; // another took it
    signal_notice notice;
    notice.number = number;
    notice.count = ++counts_[static_cast<std::size_t>(number)];
    co_return notice;
  }
}

} // namespace weir
