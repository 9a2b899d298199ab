// Two hosts in a world without faults, and sockets on them for coroutines.
#pragma once

#include <weir/async/operations.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/task.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/sim/fault_plan.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/world.hpp>

#include <gtest/gtest.h>
#include <support/simulation.hpp>

#include <array>
#include <chrono>
#include <span>
#include <string>
#include <string_view>

namespace weir::test {

using namespace std::chrono_literals;

inline constexpr std::uint64_t ms_ns = 1'000'000;
inline constexpr std::uint64_t second_ns = 1'000 * ms_ns;
inline constexpr std::uint16_t rig_port = 4000;

inline descriptor open_tcp() {
  return descriptor(calls().socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

inline descriptor listen_at(const sim::socket_address& at, int backlog = 16) {
  descriptor made = open_tcp();
  EXPECT_EQ(calls().bind(made.get(), at.raw(), at.bytes()), 0);
  EXPECT_EQ(calls().listen(made.get(), backlog), 0);
  return made;
}

/// A connected socket, or the error of the connect.
inline task<result<descriptor>> connected_to(sim::socket_address at) {
  descriptor made = open_tcp();
  result<> connected = co_await async_connect(made.get(), at.raw(), at.bytes());
  if (!connected) co_return fail(std::move(connected).error());
  co_return std::move(made);
}

/// How many bytes of it were taken; less than all: the connection broke.
inline task<std::size_t> send_all(int socket, std::string_view text) {
  std::size_t done = 0;
  while (done < text.size()) {
    result<std::size_t> sent = co_await async_send(socket, std::as_bytes(std::span(text.substr(done))));
    if (!sent) break;
    done += *sent;
  }
  co_return done;
}

struct heard {
  std::string text;
  int error = 0; ///< 0: it ended
};

/// All that comes until the end, or an error.
inline task<heard> hear_all(int socket) {
  heard all;
  std::array<std::byte, 5000> buffer;
  for (;;) {
    result<std::size_t> count = co_await async_receive(socket, buffer);
    if (!count) all.error = count.error().code().value();
    if (!count || *count == 0) break;
    all.text.append(reinterpret_cast<const char*>(buffer.data()), *count);
  }
  co_return all;
}

class sim_rig : public testing::Test {
 protected:
  void open(std::uint64_t seed = 1, const sim::world_options& options = without_faults()) {
    in_.emplace(seed, options);
    server_ = &in_->add_host("server");
    client_ = &in_->add_host("client");
    in_->net().set_default({ms_ns, ms_ns});
  }
  void SetUp() override { open(); }
  void TearDown() override {
    const std::string accusation = in_->accusation();
    in_.reset();
    EXPECT_EQ(accusation, "");
  }

  sim::world& in() { return *in_; }
  sim::host& server() { return *server_; }
  sim::host& client() { return *client_; }
  sim::socket_address at_server() const { return server_->at(rig_port); }

  /// Unwinds the programs that go on: before what they refer to ends.
  void end_programs() {
    server_->crash();
    client_->crash();
  }
  /// Runs both programs to their end.
  testing::AssertionResult run(std::uint64_t most_ns = 3600 * second_ns) {
    const std::uint64_t until_ns = in_->now_ns() + most_ns;
    const auto are_over = [this] { return server_->have_programs_ended() && client_->have_programs_ended(); };
    if (in_->run_until(are_over, until_ns)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "the programs go on after " << in_->now_ns() / second_ns << " s";
  }

  std::optional<sim::world> in_;

 private:
  sim::host* server_ = nullptr;
  sim::host* client_ = nullptr;
};

} // namespace weir::test
