// systemd_notifier: tells the service manager how the service is doing (Type=notify, Type=notify-reload):
//
//   result<systemd_notifier> manager = systemd_notifier::from_environment();
//   … co_await manager->ready("serves on port 80");
//
// One datagram a message to the socket that NOTIFY_SOCKET names (a path, or "@" and an abstract name), as
// sd_notify(3) describes it. Where there is no such variable every call succeeds and does nothing. Thread
// rule: made before threads are started (it takes its variables out of the environment, so that children do
// not speak in this process's name), used on a loop. Cancel-safety: a message is sent whole or not at all.
// Bound: the manager's queue of datagrams; when it is full a message waits: give it a deadline.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/net/address.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

class systemd_notifier {
 public:
  /// One that is told nothing.
  systemd_notifier() = default;
  /// An error names the variable that cannot be understood.
  static result<systemd_notifier> from_environment();

  explicit operator bool() const noexcept { return manager_.has_value(); }

  /// READY=1: it has started, or a reload is over.
  task<result<>> ready(std::string status = {});
  /// RELOADING=1 with the time at which that began.
  task<result<>> reloading(std::string status = {});
  /// STOPPING=1
  task<result<>> stopping(std::string status = {});
  /// STATUS= alone: a line for people.
  task<result<>> status(std::string text);
  /// WATCHDOG=1: it is alive. Due more often than `watchdog_interval`.
  task<result<>> alive();
  /// Assignments as sd_notify(3) has them, separated by newlines.
  task<result<>> send(std::string assignments);

  /// How long the manager waits for `alive` before it kills the service; nothing when it does not.
  std::optional<std::chrono::microseconds> watchdog_interval() const noexcept { return watchdog_; }

 private:
  std::optional<address> manager_;
  std::optional<std::chrono::microseconds> watchdog_;
};

} // namespace weir
