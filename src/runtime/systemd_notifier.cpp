#include "systemd_environment.hpp"

#include <weir/io/descriptor.hpp>
#include <weir/io/loop.hpp>
#include <weir/os/readiness.hpp>
#include <weir/runtime/systemd_notifier.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace weir {
namespace {

result<address> parse_notify_socket(std::string_view text) {
  if (text.starts_with('/')) return address::unix_path(text);
  if (text.starts_with('@')) return address::unix_abstract(text.substr(1));
  return fail(std::errc::address_family_not_supported, "NOTIFY_SOCKET"); // "vsock:…", of virtual machines
}

/// A status is one line: what it says behind a newline would be another assignment.
std::string with_status(std::string assignments, std::string status) {
  if (status.empty()) return assignments;
  for (char& each : status)
    if (each == '\n') each = ' ';
  return std::move(assignments) + "\nSTATUS=" + status;
}

} // namespace

result<systemd_notifier> systemd_notifier::from_environment() {
  systemd_notifier made;
  const auto socket = take_environment("NOTIFY_SOCKET");
  const auto interval = take_environment("WATCHDOG_USEC");
  const auto process = take_environment("WATCHDOG_PID");
  if (!socket) return made;
  auto manager = parse_notify_socket(*socket);
  if (!manager) return fail(error(manager.error().code(), "NOTIFY_SOCKET").at(*socket));
  made.manager_ = *manager;

  const bool is_other = process && parse_number(*process) != static_cast<std::uint64_t>(::getpid());
  if (!interval || is_other) return made;
  const auto microseconds = parse_number(*interval);
  if (!microseconds || *microseconds == 0)
    return fail(error(errc::invalid_argument, "WATCHDOG_USEC").at(*interval));
  made.watchdog_ = std::chrono::microseconds(*microseconds);
  return made;
}

task<result<>> systemd_notifier::ready(std::string status) {
  return send(with_status("READY=1", std::move(status)));
}

task<result<>> systemd_notifier::reloading(std::string status) {
  // The loop's clock is CLOCK_MONOTONIC, which the manager compares with when it asked.
  const std::uint64_t began_us = loop::current()->backend().now_ns() / 1000;
  return send(with_status("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(began_us), std::move(status)));
}

task<result<>> systemd_notifier::stopping(std::string status) {
  return send(with_status("STOPPING=1", std::move(status)));
}

task<result<>> systemd_notifier::status(std::string text) {
  return send(with_status("", std::move(text)).erase(0, 1));
}

task<result<>> systemd_notifier::alive() {
  return send("WATCHDOG=1");
}

/// A socket for each message: the manager may have been replaced since the last one.
task<result<>> systemd_notifier::send(std::string assignments) {
  if (!manager_) co_return result<>();
  const descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) co_return fail(error::from_errno(errno, "notify: socket"));
  if (::connect(socket.get(), manager_->raw(), manager_->raw_bytes()) != 0)
    co_return fail(error::from_errno(errno, "notify: connect").at(manager_->to_string()));
  while (::send(socket.get(), assignments.data(), assignments.size(), MSG_NOSIGNAL) < 0) {
    if (errno != EAGAIN && errno != EINTR)
      co_return fail(error::from_errno(errno, "notify: send").at(manager_->to_string()));
    result<> room = co_await writable(socket.get());
    if (!room) co_return room;
  }
  co_return result<>();
}

} // namespace weir
