// The operations of io/ as awaitables: `result<std::size_t> sent = co_await async_send(socket, bytes);`
// What net/ and users of bare descriptors build on. Contract: operation_awaiter.hpp and docs/operations.md.
//
// Each error carries the name of the operation. All are cancel-safe: what was transferred is reported, never
// lost.
#pragma once

#include <weir/async/operation_awaiter.hpp>
#include <weir/io/descriptor.hpp>

#include <cstddef>
#include <span>

namespace weir {

/// Lets one trip through the backend pass.
class [[nodiscard]] async_nop final : public operation_awaiter<nop_operation> {
 public:
  explicit async_nop(std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, &operation_awaiter::completed) {}
  result<> await_resume() const noexcept { return outcome_without_value(); }
};

/// A connected socket: non-blocking, closed on exec.
class [[nodiscard]] async_accept final : public operation_awaiter<accept_operation> {
 public:
  explicit async_accept(int listener, std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, listener, false, &operation_awaiter::completed) {}
  result<weir::descriptor> await_resume() const noexcept {
    if (has_failed()) return failure();
    return weir::descriptor(value());
  }
};

/// `to` must stay valid until it ends.
class [[nodiscard]] async_connect final : public operation_awaiter<connect_operation> {
 public:
  async_connect(int socket, const sockaddr* to, socklen_t to_bytes,
                std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, socket, to, to_bytes, &operation_awaiter::completed) {}
  result<> await_resume() const noexcept { return outcome_without_value(); }
};

/// Some bytes into `into`, which must not be empty; 0 at end of file. `all`: only when it is full, or at the
/// end.
class [[nodiscard]] async_receive final : public operation_awaiter<receive_operation> {
 public:
  async_receive(int socket, std::span<std::byte> into, bool all = false,
                std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, socket, into, &operation_awaiter::completed) {
    wait_for_all = all;
  }
  result<std::size_t> await_resume() const noexcept {
    if (has_failed()) return failure();
    return static_cast<std::size_t>(value());
  }
};

/// How many of the bytes were sent; may be fewer than given. `bytes` must stay valid until it ends.
class [[nodiscard]] async_send final : public operation_awaiter<send_operation> {
 public:
  async_send(int socket, std::span<const std::byte> bytes,
             std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, socket, bytes, &operation_awaiter::completed) {}
  result<std::size_t> await_resume() const noexcept {
    if (has_failed()) return failure();
    return static_cast<std::size_t>(value());
  }
};

/// The same without the kernel's copy, where it can: for large buffers. Ends when `bytes` may be changed or
/// freed, which may be long after they were sent; a cancellation does not hurry that.
class [[nodiscard]] async_send_zero_copy final : public operation_awaiter<send_operation> {
 public:
  async_send_zero_copy(int socket, std::span<const std::byte> bytes,
                       std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, socket, bytes, &operation_awaiter::completed, true) {}
  result<std::size_t> await_resume() const noexcept {
    if (has_failed()) return failure();
    return static_cast<std::size_t>(value());
  }
};

/// Readiness: `events` and the outcome are masks of POLLIN, POLLOUT, POLLRDHUP, POLLPRI (poll(2)); the
/// outcome may have POLLERR and POLLHUP too.
class [[nodiscard]] async_poll final : public operation_awaiter<poll_operation> {
 public:
  async_poll(int watched, std::uint32_t wanted,
             std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, watched, wanted, &operation_awaiter::completed) {}
  result<std::uint32_t> await_resume() const noexcept {
    if (has_failed()) return failure();
    return static_cast<std::uint32_t>(value());
  }
};

/// `direction`: SHUT_RD, SHUT_WR or SHUT_RDWR (shutdown(2)).
class [[nodiscard]] async_shutdown final : public operation_awaiter<shutdown_operation> {
 public:
  async_shutdown(int socket, int direction,
                 std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, socket, direction, &operation_awaiter::completed) {}
  result<> await_resume() const noexcept { return outcome_without_value(); }
};

/// Closes in a cancelled scope too: a descriptor must not leak because of a cancellation. It is gone whatever
/// the outcome (close(2)). Precondition: nothing else is outstanding on it.
class [[nodiscard]] async_close final : public operation_awaiter<close_operation> {
 public:
  explicit async_close(weir::descriptor socket,
                       std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::no, socket.release(), &operation_awaiter::completed) {}
  result<> await_resume() const noexcept { return outcome_without_value(); }
};

} // namespace weir
