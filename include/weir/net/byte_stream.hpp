// byte_stream: what a protocol needs of that which carries its bytes: a socket, TLS, a pipe in memory.
//
// Rules that every byte stream keeps. Reads give bytes in order, then an empty lease at the end. A write
// takes at least one byte, copies what it takes, and waits only at its own bound. `flush` waits until
// everything written has left this side. `shutdown` flushes and tells the peer that no more will come;
// reading goes on. `close` flushes and closes; cancelled or failing, it closes all the same. Thread rule: one
// loop's thread; at most one task reads and one writes at a time. Cancel-safety: a read or write that is
// cancelled moved nothing. Lifetime: destroying it closes at once and drops what is unsent; no task may use
// it then.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/lease.hpp>
#include <weir/base/result.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace weir {

template <class S>
concept byte_stream = std::move_constructible<S> && requires(S& carrier, std::span<const std::byte> bytes) {
  { carrier.read() } -> std::same_as<task<result<lease>>>;
  { carrier.write(bytes) } -> std::same_as<task<result<std::size_t>>>;
  { carrier.flush() } -> std::same_as<task<result<void>>>;
  { carrier.shutdown() } -> std::same_as<task<result<void>>>;
  { carrier.close() } -> std::same_as<task<result<void>>>;
};

/// Any byte stream, for protocols that are compiled once for all of them. Costs a virtual call for each call.
class any_byte_stream {
 public:
  any_byte_stream() = default;
  template <class S>
    requires(!std::same_as<S, any_byte_stream>) && byte_stream<S>
  any_byte_stream(S carrier) : held_(std::make_unique<model<S>>(std::move(carrier))) {}

  explicit operator bool() const noexcept { return held_ != nullptr; }

  task<result<lease>> read() { return held_->read(); }
  task<result<std::size_t>> write(std::span<const std::byte> bytes) { return held_->write(bytes); }
  task<result<void>> flush() { return held_->flush(); }
  task<result<void>> shutdown() { return held_->shutdown(); }
  task<result<void>> close() { return held_->close(); }
  /// The other end, for people: "127.0.0.1:80"; empty where the carrier has no name for it.
  std::string remote_name() const { return held_->remote_name(); }

 private:
  struct face {
    virtual ~face() = default;
    virtual task<result<lease>> read() = 0;
    virtual task<result<std::size_t>> write(std::span<const std::byte> bytes) = 0;
    virtual task<result<void>> flush() = 0;
    virtual task<result<void>> shutdown() = 0;
    virtual task<result<void>> close() = 0;
    virtual std::string remote_name() const = 0;
  };

  template <class S>
  struct model final : face {
    explicit model(S&& moved) : carrier(std::move(moved)) {}
    task<result<lease>> read() override { return carrier.read(); }
    task<result<std::size_t>> write(std::span<const std::byte> bytes) override {
      return carrier.write(bytes);
    }
    task<result<void>> flush() override { return carrier.flush(); }
    task<result<void>> shutdown() override { return carrier.shutdown(); }
    task<result<void>> close() override { return carrier.close(); }
    std::string remote_name() const override {
      if constexpr (requires { carrier.remote_name(); }) {
        return carrier.remote_name();
      } else if constexpr (requires { carrier.remote_address()->to_string(); }) {
        const auto remote = carrier.remote_address();
        return remote ? remote->to_string() : std::string();
      } else {
        return {};
      }
    }
    S carrier;
  };

  std::unique_ptr<face> held_;
};

} // namespace weir
