// A stream's beginning and end: connecting, options, half-closing, closing, and what becomes of unsent bytes.
#include "stream_ends.hpp"

#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/listener.hpp>

#include <fcntl.h>
#include <support/allocations.hpp>
#include <support/descriptors.hpp>

#include <array>
#include <cstring>

namespace weir::test {
namespace {

using stream_life = stream_test;
using tcp_life = stream_test;

address address_of(const listening_socket& listener) {
  return {listener.to(), listener.address_bytes};
}

int option_of(const stream& of, int level, int name) {
  int value = -1;
  socklen_t bytes = sizeof value;
  EXPECT_EQ(calls().getsockopt(of.native_handle(), level, name, &value, &bytes), 0);
  return value;
}

TEST_P(stream_life, connects_and_receives_at_once) {
  run([&]() -> task<> {
    const listening_socket listener = listen_on(over());
    result<stream> made = co_await stream::connect(address_of(listener));
    EXPECT_TRUE(made) << made.error().message();
    raw_socket theirs = co_await raw_socket::accept(listener);
    co_await theirs.send("welcome");
    const std::string text = co_await read_text(*made, 7);
    EXPECT_EQ(text, "welcome");
    EXPECT_EQ(made->remote_address()->to_string(), address_of(listener).to_string());
    EXPECT_EQ(made->local_address()->to_string(), address::remote_of(theirs.number())->to_string());
  });
}

TEST_P(stream_life, of_a_refused_connect_is_an_error_that_names_the_endpoint) {
  run([&]() -> task<> {
    listening_socket listener = listen_on(over());
    const address nobody = address_of(listener);
    listener.socket.reset();
    result<stream> made = co_await stream::connect(nobody);
    EXPECT_FALSE(made);
    EXPECT_EQ(made.error(), std::errc::connection_refused);
    EXPECT_EQ(made.error().endpoint(), nobody.to_string());
    EXPECT_STREQ(made.error().operation(), "connect");
  });
}

TEST_P(stream_life, of_a_cancelled_connect_leaves_no_descriptor) {
  run([&]() -> task<> {
    const listening_socket listener = listen_on(over());
    const std::size_t open_before = open_descriptors();
    cancellation scope;
    scope.request();
    result<stream> made = co_await stream::connect(address_of(listener)).under(&scope);
    EXPECT_FALSE(made);
    EXPECT_TRUE(made.error().is_cancelled());
    EXPECT_EQ(open_descriptors(), open_before);
  });
}

TEST(stream_outside_of_a_loop, is_refused) {
  connection pair = connect_pair(transport::local);
  result<stream> made = stream::adopt(std::move(pair.ours));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), errc::invalid_argument);
}

TEST_P(tcp_life, has_the_options_that_were_asked_for) {
  run([&]() -> task<> {
    stream_options options;
    options.keep_alive = true;
    const stream_ends ends = connected(options);
    EXPECT_EQ(option_of(ends.ours, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option_of(ends.ours, SOL_SOCKET, SO_KEEPALIVE), 1);
    co_return;
  });
}

TEST_P(tcp_life, has_the_times_and_sizes_that_were_asked_for) {
  int told = 0;
  socklen_t bytes = sizeof told;
  const connection any = connect_pair(transport::tcp);
  if (calls().getsockopt(any.ours.get(), IPPROTO_TCP, TCP_KEEPIDLE, &told, &bytes) != 0)
    GTEST_SKIP() << error::from_errno(errno, "getsockopt(TCP_KEEPIDLE)").message();
  run([&]() -> task<> {
    stream_options options;
    options.keep_alive = true;
    options.keep_alive_idle_s = 77;
    options.receive_buffer_bytes = 8192;
    options.send_buffer_bytes = 16384;
    const stream_ends ends = connected(options);
    EXPECT_EQ(option_of(ends.ours, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    EXPECT_EQ(option_of(ends.ours, SOL_SOCKET, SO_RCVBUF), 2 * 8192) << "socket(7): the kernel doubles it";
    EXPECT_EQ(option_of(ends.ours, SOL_SOCKET, SO_SNDBUF), 2 * 16384);
    co_return;
  });
}

TEST_P(tcp_life, on_loopback_has_a_receive_buffer_of_its_own_unless_one_was_asked_for) {
  run([&]() -> task<> {
    stream_options asked, on_loopback, both;
    asked.receive_buffer_bytes = on_loopback.loopback_receive_buffer_bytes = 8192;
    both.receive_buffer_bytes = 8192;
    both.loopback_receive_buffer_bytes = 16384;
    const stream_ends expected = connected(asked);
    for (const stream_options& options : {on_loopback, both}) {
      const stream_ends ends = connected(options);
      EXPECT_EQ(option_of(ends.ours, SOL_SOCKET, SO_RCVBUF), option_of(expected.ours, SOL_SOCKET, SO_RCVBUF));
    }
    co_return;
  });
}

TEST_P(stream_life, options_of_tcp_do_no_harm_elsewhere) {
  run([&]() -> task<> {
    stream_options options;
    options.keep_alive_idle_s = 77;
    options.loopback_receive_buffer_bytes = 8192;
    stream_ends ends = connected(options);
    co_await ends.theirs.send("fine");
    const std::string text = co_await read_text(ends.ours, 4);
    EXPECT_EQ(text, "fine");
  });
}

TEST_P(stream_life, half_closed_by_us_still_reads) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    co_await write_text(ends.ours, "question");
    result<> done = co_await ends.ours.shutdown();
    EXPECT_TRUE(done);
    const std::string question = co_await ends.theirs.read_to_end();
    EXPECT_EQ(question, "question") << "what was written leaves before the end";
    co_await ends.theirs.send("answer");
    const std::string answer = co_await read_text(ends.ours, 6);
    EXPECT_EQ(answer, "answer");
  });
}

TEST_P(stream_life, half_closed_by_the_peer_still_writes) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    co_await ends.theirs.send("question");
    ends.theirs.end();
    const std::string question = co_await read_to_end(ends.ours);
    EXPECT_EQ(question, "question");
    const std::string text = pattern(2'000'000);
    auto [written, received] = co_await when_all(write_text(ends.ours, text), ends.theirs.read(text.size()));
    EXPECT_TRUE(received == text);
  });
}

TEST_P(stream_life, closing_sends_everything_first) {
  const std::string text = pattern(200'000);
  run([&]() -> task<> {
    stream_ends ends = connected();
    fill(ends.ours.native_handle());
    co_await write_text(ends.ours, text);
    EXPECT_FALSE(ends.ours.output().empty());
    auto [closed, received] = co_await when_all(ends.ours.close(), ends.theirs.read_to_end());
    EXPECT_TRUE(closed);
    EXPECT_FALSE(ends.ours);
    EXPECT_TRUE(received.ends_with(text));
  });
}

/// close(2) with unread input makes TCP reset the connection and forget what the peer has not got yet.
TEST_P(stream_life, closing_delivers_everything_also_when_there_is_unread_input) {
  run([&]() -> task<> {
    stream_options options;
    options.credit_bytes = 32'768;
    stream_ends ends = connected(options);
    co_await ends.theirs.try_send(std::string(200'000, 'i'));
    co_await turns(5);
    const std::size_t filled = fill(ends.ours.native_handle());
    co_await write_text(ends.ours, "the end");
    auto [closed, received] = co_await when_all(ends.ours.close(), ends.theirs.read(filled));
    EXPECT_TRUE(closed);
    const std::string end = co_await ends.theirs.read_to_end();
    EXPECT_EQ(received.size(), filled);
    EXPECT_EQ(end, "the end");
  });
}

TEST_P(stream_life, closing_cancelled_closes_all_the_same) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    const std::size_t filled = fill(ends.ours.native_handle());
    co_await write_text(ends.ours, "never sent");
    const int number = ends.ours.native_handle();
    result<> closed = co_await with_deadline(1ms, ends.ours.close());
    EXPECT_FALSE(closed);
    EXPECT_TRUE(closed.error().is_timeout());
    EXPECT_FALSE(ends.ours);
    EXPECT_EQ(calls().fcntl(number, F_GETFD, 0), -1);
    const std::string received = co_await ends.theirs.read_to_end();
    EXPECT_LE(received.size(), filled);
  });
}

TEST_P(stream_life, destroyed_closes) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    ends.ours = stream();
    const std::string nothing = co_await ends.theirs.read_to_end();
    EXPECT_EQ(nothing, "");
  });
}

TEST_P(stream_life, destroyed_with_everything_outstanding_leaves_nothing) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    fill(ends.ours.native_handle());
    co_await write_text(ends.ours, std::string(100'000, 'u'));
    co_await turns(2); // the send waits in the kernel, the receive as well
    co_await ends.theirs.send("unread");
    co_await turns(2);
  });
}

TEST_P(stream_life, aborted_gives_back_what_the_kernel_has_not_taken) {
  const std::string text = pattern(200'000);
  run([&]() -> task<> {
    stream_ends ends = connected();
    const std::size_t filled = fill(ends.ours.native_handle());
    co_await write_text(ends.ours, text);
    co_await turns(2);
    const std::string some = co_await ends.theirs.read(filled / 2);
    co_await turns(2);
    outbound unsent(on().send_buffers());
    co_await ends.ours.abort(unsent);
    EXPECT_FALSE(ends.ours);

    std::string wire = some + co_await ends.theirs.read_to_end();
    std::array<iovec, 64> rest;
    const std::size_t count = unsent.gather(rest);
    for (const iovec& each : std::span(rest).first(count))
      wire.append(static_cast<const char*>(each.iov_base), each.iov_len);
    EXPECT_TRUE(wire.substr(filled) == text);
  });
}

TEST_P(stream_life, aborted_in_the_turn_of_the_write_gives_back_all_of_it) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    co_await write_text(ends.ours, "never sent");
    outbound unsent(on().send_buffers());
    co_await ends.ours.abort(unsent);
    EXPECT_EQ(unsent.bytes(), 10u);
    const std::string nothing = co_await ends.theirs.read_to_end();
    EXPECT_EQ(nothing, "");
  });
}

/// 10,000 messages there and back: nothing is allocated, and every slot is back at the end.
TEST_P(stream_life, in_steady_state_allocates_nothing) {
  run([&]() -> task<> {
    connection pair = connect_pair(over());
    result<stream> left = stream::adopt(std::move(pair.ours));
    result<stream> right = stream::adopt(std::move(pair.theirs));
    std::array<std::byte, 64> message{}, received;
    bool all_right = true;
    const auto round_trip = [&](int number) -> task<> {
      std::memcpy(message.data(), &number, sizeof number);
      const transfer sent = co_await left->write_all(message);
      const transfer there = co_await right->read_exactly(received);
      const transfer answered = co_await right->write_all(received);
      const transfer back = co_await left->read_exactly(received);
      all_right = all_right && sent && there && answered && back && received == message;
    };
    for (int i = 0; i < 100; ++i) co_await round_trip(i);
    const std::size_t slots_before = on().buffers().slots_in_use();
    const std::uint64_t allocations_before = allocations_of_this_thread();
    for (int i = 0; i < 10'000; ++i) co_await round_trip(i);
    EXPECT_EQ(allocations_of_this_thread() - allocations_before, 0u);
    EXPECT_TRUE(all_right);
    EXPECT_EQ(on().buffers().slots_in_use(), slots_before);
    EXPECT_EQ(on().send_buffers().slots_in_use(), 0u);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, stream_life, over_each_transport(), name_of_transport);
INSTANTIATE_TEST_SUITE_P(backends, tcp_life, over_tcp(), name_of_transport);

} // namespace
} // namespace weir::test
