// Operations that write down what they report, and check on every completion what the contract promises of
// all: exactly one final completion for each start, no handler inside a call or inside another handler.
#pragma once

#include <weir/io/loop.hpp>

#include <gtest/gtest.h>
#include <support/turning.hpp>

#include <cstddef>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::test {

/// While one lives on this thread no handler may run.
class no_handler_may_run {
 public:
  no_handler_may_run() noexcept : outer_(std::exchange(is_in_force(), true)) {}
  ~no_handler_may_run() { is_in_force() = outer_; }
  no_handler_may_run(const no_handler_may_run&) = delete;
  no_handler_may_run& operator=(const no_handler_may_run&) = delete;
  static bool& is_in_force() noexcept {
    static thread_local bool in_force = false;
    return in_force;
  }

 private:
  bool outer_;
};

/// An operation of any kind. One that a test leaves in flight is cancelled and awaited at its end.
template <class Operation>
class recorded : public Operation {
 public:
  template <class... Arguments>
  explicit recorded(Arguments&&... arguments) : Operation(std::forward<Arguments>(arguments)...) {}
  ~recorded() {
    if (this->is_idle()) return;
    then = nullptr; // what these refer to may have ended before
    inspect = nullptr;
    cancel();
    EXPECT_TRUE(wait_until(*loop_, [this] { return this->is_idle(); }));
  }

  void start(loop& on, std::source_location where = std::source_location::current()) {
    loop_ = &on;
    EXPECT_FALSE(is_owed_) << "started before the final completion";
    is_owed_ = true;
    const no_handler_may_run inside_start;
    on.start(*this, where);
  }
  void cancel() {
    const no_handler_may_run inside_cancel;
    loop_->cancel(*this);
  }

  /// Its last start has come to its final completion.
  bool is_done() const noexcept { return !is_owed_ && !results.empty(); }
  /// What the final completion said.
  int result() const { return results.empty() ? -9999 : results.back(); }

  std::vector<int> results;  ///< of all completions, oldest first
  std::string received;      ///< the bytes of all leases
  std::vector<lease> leases; ///< those themselves, where `keeps_leases`
  bool keeps_leases = false;
  std::function<void(const completion&)> inspect; ///< sees each completion before it is taken apart
  std::function<void()> then; ///< called last in the handler; may start or destroy the operation

 protected:
  static void record(operation& self, completion&& what) noexcept {
    static_cast<recorded&>(static_cast<Operation&>(self)).on_completion(std::move(what));
  }

 private:
  void on_completion(completion&& what) noexcept {
    EXPECT_FALSE(no_handler_may_run::is_in_force()) << "a handler ran inside start, cancel or a handler";
    const no_handler_may_run inside_handler;
    EXPECT_EQ(loop::current(), loop_) << "a handler ran outside the turns of its loop";
    EXPECT_TRUE(is_owed_) << "completed more than once: " << what.result;
    EXPECT_EQ(this->is_idle(), !what.more);
    const bool brings_bytes = this->kind() == operation_kind::receive_many && what.result > 0;
    if (this->kind() != operation_kind::receive_message_many) {
      EXPECT_EQ(what.data.size(), brings_bytes ? static_cast<std::size_t>(what.result) : 0u);
    }
    if (inspect) inspect(what);
    if (!what.more) is_owed_ = false;
    results.push_back(what.result);
    received.append(reinterpret_cast<const char*>(what.data.data()), what.data.size());
    if (keeps_leases && !what.data.empty()) leases.push_back(std::move(what.data));
    what.data.reset();
    const auto last = then; // a copy: the operation may be gone when it returns
    if (last) last();
  }

  loop* loop_ = nullptr;
  bool is_owed_ = false;
};

struct nop : recorded<nop_operation> {
  explicit nop(lane in_lane = lane::normal) : recorded(record, in_lane) {}
};

struct accept_one : recorded<accept_operation> {
  explicit accept_one(int listener) : recorded(listener, false, record) {}
};

struct accept_many : recorded<accept_operation> {
  explicit accept_many(int listener) : recorded(listener, true, record) {}
};

struct connect : recorded<connect_operation> {
  connect(int socket, const sockaddr* to, socklen_t to_bytes) : recorded(socket, to, to_bytes, record) {}
};

struct receive_memory {
  explicit receive_memory(std::size_t size) : memory(size) {}
  std::vector<std::byte> memory;
};

struct receive : private receive_memory, recorded<receive_operation> {
  receive(int socket, std::size_t size, bool waits_for_all = false)
      : receive_memory(size), recorded(socket, std::span(memory), record) {
    wait_for_all = waits_for_all;
  }
  /// The bytes that the last completion reported.
  std::string text() const {
    return {reinterpret_cast<const char*>(memory.data()), static_cast<std::size_t>(std::max(result(), 0))};
  }
};

struct receive_many : recorded<receive_many_operation> {
  explicit receive_many(int socket) : recorded(socket, record) {}
};

struct send_memory {
  explicit send_memory(std::string text) : content(std::move(text)) {}
  std::string content;
};

struct send : send_memory, recorded<send_operation> {
  send(int socket, std::string text, bool zero_copy = false)
      : send_memory(std::move(text)), recorded(socket, std::as_bytes(std::span(content)), record, zero_copy) {
  }
};

struct send_gathered : recorded<send_gathered_operation> {
  send_gathered(int socket, std::vector<std::string> texts)
      : recorded(socket, record), contents(std::move(texts)) {
    for (std::string& each : contents) pieces.push_back({each.data(), each.size()});
    set_pieces(pieces.data(), pieces.size());
  }
  std::vector<std::string> contents;
  std::vector<iovec> pieces;
};

struct poll : recorded<poll_operation> {
  poll(int watched, std::uint32_t wanted) : recorded(watched, wanted, record) {}
};

struct close : recorded<close_operation> {
  explicit close(int socket) : recorded(socket, record) {}
};

struct shutdown : recorded<shutdown_operation> {
  shutdown(int socket, int direction) : recorded(socket, direction, record) {}
};

/// A piece of work that calls a function.
struct task_of_work : work {
  explicit task_of_work(std::function<void()> body)
      : work([](work& self) noexcept { static_cast<task_of_work&>(self).function(); }),
        function(std::move(body)) {}
  std::function<void()> function;
};

/// A timer that calls a function.
struct call_later : timer {
  explicit call_later(std::function<void()> body)
      : timer([](timer& self) noexcept { static_cast<call_later&>(self).function(); }),
        function(std::move(body)) {}
  std::function<void()> function;
};

} // namespace weir::test
