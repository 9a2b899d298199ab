// Messages on their way to a peer: their bytes, their bounds, and what survives a lost connection.
#include <weir/io/system_calls.hpp>
#include <weir/zmtp/outgoing.hpp>

#include <gtest/gtest.h>
#include <support/allocations.hpp>
#include <support/coroutine_fixture.hpp>
#include <support/raw_socket.hpp>
#include <support/zmtp_wire.hpp>

#include <memory>
#include <new>
#include <string>

namespace weir::zmtp {
namespace {

using namespace test;
using namespace weir::test;

class outgoing_test : public backend_test {
 protected:
  struct link {
    link(stream made, raw_socket other) : connection(std::move(made)), peer(std::move(other)) {}
    stream connection;
    raw_socket peer;
  };
  /// Call it from a coroutine.
  static std::unique_ptr<link> connect() {
    connection pair = connect_pair(weir::test::transport::local);
    return std::make_unique<link>(std::move(*stream::adopt(std::move(pair.ours))),
                                  raw_socket(std::move(pair.theirs)));
  }
  /// Ends the connection as a socket does.
  static task<> detach(loop& on, outgoing& out, link& from) {
    out.begin_detach();
    outbound unsent(on.send_buffers());
    co_await from.connection.abort(unsent);
    out.end_detach(unsent);
  }
  static void push(outgoing& out, std::initializer_list<std::string_view> texts) { out.push(message(texts)); }

  static constexpr std::size_t unbounded = std::size_t{1} << 40;
};

TEST_P(outgoing_test, sends_frames_with_headers_that_fit_their_size) {
  const parts bodies = {"",
                        "x",
                        std::string(255, 'a'),
                        std::string(256, 'b'),
                        std::string(16383, 'c'),
                        std::string(16384, 'd'),
                        std::string(200'000, 'e')};
  run([&]() -> task<> {
    outgoing out(on().send_buffers(), 0, unbounded);
    const auto wire = connect();
    out.attach(wire->connection);
    out.push(message_of(bodies));
    std::string expected = wire_message(bodies);
    for (const std::string& body : bodies) {
      out.push(message_of(parts{"identity", body}), 1);
      expected += wire_frame(body);
    }
    const std::string received = co_await wire->peer.read(expected.size());
    EXPECT_TRUE(received == expected);
    EXPECT_TRUE(out.is_empty());
    co_await detach(on(), out, *wire);
  });
}

TEST_P(outgoing_test, sends_the_same_by_the_short_way) {
  run([&]() -> task<> {
    outgoing out(on().send_buffers(), 0, unbounded);
    const auto wire = connect();
    out.attach(wire->connection);
    EXPECT_FALSE(out.try_push_short(frame("x"))) << "nothing is there yet to leave with";
    push(out, {"first"});
    std::string expected = wire_frame("first");
    for (std::size_t size = 0; size < 300; ++size) {
      const std::string body(size, 'b');
      const bool is_short = out.try_push_short(frame(std::string_view(body)));
      EXPECT_TRUE(size <= 255 || !is_short);
      if (!is_short) push(out, {body});
      expected += wire_frame(body);
    }
    const std::string received = co_await wire->peer.read(expected.size());
    EXPECT_TRUE(received == expected);
    EXPECT_TRUE(out.is_empty());
    co_await detach(on(), out, *wire);
  });
}

TEST_P(outgoing_test, sends_nothing_of_a_message_for_which_there_is_no_memory) {
  run([&]() -> task<> {
    outgoing out(on().send_buffers(), 0, unbounded);
    const auto wire = connect();
    out.attach(wire->connection);
    push(out, {"first"});
    const parts large(30, std::string(15'000, 'l')); // in more chunks than there are places for
    message refused = message_of(large);
    if (fail_allocation(1)) {
      EXPECT_THROW(out.push(refused), std::bad_alloc);
    }
    push(out, {"second"});
    const std::string expected = wire_frame("first") + wire_frame("second");
    const std::string received = co_await wire->peer.read(expected.size());
    EXPECT_EQ(received, expected);
    EXPECT_TRUE(out.is_empty());
    co_await detach(on(), out, *wire);
  });
}

TEST_P(outgoing_test, sends_large_bodies_from_where_they_lie) {
  run([&]() -> task<> {
    outgoing out(on().send_buffers(), 0, unbounded);
    const auto wire = connect();
    out.attach(wire->connection);
    const std::string body(100'000, 'L');
    message sent = message_of(parts{body});
    const std::byte* where = sent.front().data();
    out.push(sent);
    std::array<iovec, 4> pieces;
    EXPECT_EQ(wire->connection.output().gather(pieces), 2u);
    EXPECT_EQ(pieces[1].iov_base, where);
    sent.clear();
    const std::string received = co_await wire->peer.read(body.size() + 9);
    EXPECT_TRUE(received == wire_frame(body));
    co_await detach(on(), out, *wire);
  });
}

/// Memory that the caller only lent is copied, however large: it may change as soon as the message is taken.
TEST_P(outgoing_test, copies_what_is_borrowed) {
  run([&]() -> task<> {
    outgoing out(on().send_buffers(), 0, unbounded);
    const auto wire = connect();
    out.attach(wire->connection);
    std::string small(100, 's'), large(50'000, 'l');
    message sent;
    sent.add(frame::borrowed(std::as_bytes(std::span(small))));
    sent.add(frame::borrowed(std::as_bytes(std::span(large))));
    sent.add(frame::borrowed({}));
    const std::string expected = wire_message({small, large, ""});
    out.push(sent);
    small.assign(small.size(), '!');
    large.assign(large.size(), '!');
    const std::string received = co_await wire->peer.read(expected.size());
    EXPECT_TRUE(received == expected);
    co_await detach(on(), out, *wire);
  });
}

TEST_P(outgoing_test, works_with_chunks_of_any_size) {
  loop_options small = options();
  small.send_buffers = buffer_pool_options{4096, std::size_t{1} << 20};
  reopen(small);
  run([&]() -> task<> {
    outgoing out(on().send_buffers(), 0, unbounded);
    const auto wire = connect();
    out.attach(wire->connection);
    std::string expected;
    for (const std::size_t size : {10u, 4000u, 4095u, 4096u, 5000u, 16'000u, 20'000u}) {
      const std::string body(size, static_cast<char>('a' + size % 26));
      out.push(message_of(parts{body, body}));
      expected += wire_message({body, body});
    }
    const std::string received = co_await wire->peer.read(expected.size());
    EXPECT_TRUE(received == expected);
    co_await detach(on(), out, *wire);
  });
}

TEST_P(outgoing_test, is_full_at_the_number_of_messages_that_the_kernel_has_not_taken) {
  run([&]() -> task<> {
    outgoing out(on().send_buffers(), 3, unbounded);
    for (const char* text : {"1", "2", "3"}) {
      EXPECT_FALSE(out.is_full());
      push(out, {text});
    }
    EXPECT_TRUE(out.is_full()) << "without a connection they wait";
    const auto wire = connect();
    out.attach(wire->connection);
    EXPECT_TRUE(out.is_full());
    const std::string received = co_await wire->peer.read(9);
    EXPECT_EQ(received, wire_frame("1") + wire_frame("2") + wire_frame("3"));
    EXPECT_FALSE(out.is_full());
    for (const char* text : {"4", "5", "6"}) {
      EXPECT_FALSE(out.is_full());
      push(out, {text});
    }
    EXPECT_TRUE(out.is_full());
    co_await detach(on(), out, *wire);
  });
}

TEST_P(outgoing_test, is_full_at_the_number_of_bytes_whatever_one_message_has) {
  run([&]() -> task<> {
    outgoing out(on().send_buffers(), 0, 1000);
    push(out, {std::string(982, 'x')});
    EXPECT_FALSE(out.is_full()) << "999 with its header of 9 bytes and its entry of 8";
    push(out, {std::string(5000, 'y')});
    EXPECT_TRUE(out.is_full());
    co_return;
  });
}

/// The short way looks at no bound but one number, which must be right whatever else was written meanwhile.
TEST_P(outgoing_test, is_full_at_the_same_bounds_by_the_short_way) {
  run([&]() -> task<> {
    for (const std::size_t messages_max : {0u, 40u}) {
      outgoing out(on().send_buffers(), messages_max, 3000);
      const frame body(std::string_view("0123456789"));
      int held = 0;
      int quick = 0;
      for (; !out.is_full(); ++held) {
        if (out.try_push_short(body))
          ++quick;
        else
          push(out, {"0123456789"});
      }
      EXPECT_EQ(held, messages_max ? 40 : 150) << "a header of 2 bytes, 10, and an entry of 8 each";
      EXPECT_GT(quick, 0);
      EXPECT_FALSE(out.try_push_short(body));
    }
    co_return;
  });
}

/// What the kernel has taken is found among thousands of messages of which it has taken a part.
TEST_P(outgoing_test, knows_which_of_many_messages_the_kernel_has_begun) {
  run([&]() -> task<> {
    constexpr std::size_t count = 20'000;
    outgoing out(on().send_buffers(), count, unbounded);
    const auto wire = connect();
    out.attach(wire->connection);
    const std::string body(100, 'b');
    const frame short_body{std::string_view(body)};
    for (std::size_t i = 0; i < count; ++i)
      if (!out.try_push_short(short_body)) push(out, {body});
    EXPECT_TRUE(out.is_full());
    std::size_t read = 0;
    while (out.is_full()) {
      const std::string piece = co_await wire->peer.read(1);
      read += piece.size();
    }
    const std::uint64_t taken = wire->connection.bytes_sent();
    std::size_t room = 0;
    for (; !out.is_full(); ++room) push(out, {body});
    EXPECT_EQ(room, taken / (body.size() + 2)) << "as many as the kernel has wholly taken";
    co_await wire->peer.read((count + room) * (body.size() + 2) - read);
    EXPECT_TRUE(out.is_empty());
    co_await detach(on(), out, *wire);
  });
}

TEST_P(outgoing_test, counts_empty_messages_and_has_room_again_when_they_are_sent) {
  run([&]() -> task<> {
    outgoing out(on().send_buffers(), 0, 1000);
    int held = 0;
    for (; !out.is_full(); ++held) push(out, {""});
    EXPECT_EQ(held, 100) << "2 bytes and an entry of 8 each";
    const auto wire = connect();
    out.attach(wire->connection);
    co_await wire->peer.read(200);
    EXPECT_FALSE(out.is_full());
    EXPECT_TRUE(out.is_empty());
    co_await detach(on(), out, *wire);
  });
}

TEST_P(outgoing_test, holds_what_was_written_before_the_connection_came) {
  run([&]() -> task<> {
    outgoing out(on().send_buffers(), 0, unbounded);
    EXPECT_TRUE(out.is_empty());
    EXPECT_FALSE(out.is_attached());
    push(out, {"waits", "whole"});
    EXPECT_FALSE(out.is_empty());
    out.push_command(std::as_bytes(std::span("never")));
    const auto wire = connect();
    wire->connection.output().append_copy(std::as_bytes(std::span(std::string_view("handshake"))));
    wire->connection.output_written();
    out.attach(wire->connection);
    EXPECT_TRUE(out.is_attached());
    const std::string expected = "handshake" + wire_message({"waits", "whole"});
    const std::string received = co_await wire->peer.read(expected.size());
    EXPECT_EQ(received, expected) << "a command is void without a connection";
    co_await detach(on(), out, *wire);
  });
}

/// The connection is lost at every possible place. What the kernel had not begun to take goes over the next
/// one, whole messages only, in order; nothing goes twice.
TEST_P(outgoing_test, keeps_for_the_next_connection_what_the_kernel_had_not_begun) {
  run([&]() -> task<> {
    for (const std::size_t kernel_takes : {0u, 1u, 50'000u, 100'000u, 150'000u}) {
      outgoing out(on().send_buffers(), 0, unbounded);
      const auto first = connect();
      first->connection.output().append_copy(std::as_bytes(std::span(std::string_view("HANDSHAKE"))));
      first->connection.output_written();
      fill(first->connection.native_handle());
      out.attach(first->connection);
      std::vector<std::string> sent;
      for (char name = 'a'; name < 'k'; ++name) {
        sent.push_back(wire_message({std::string(30'000, name), "end"}));
        out.push(message_of(parts{std::string(30'000, name), "end"}));
        if (name == 'e') out.push_command(std::as_bytes(std::span(std::string_view("PING-LIKE COMMAND"))));
      }
      std::string wire;
      co_await until([&] {
        wire += read_available(first->peer.number());
        return first->connection.bytes_sent() >= kernel_takes || kernel_takes == 0;
      });
      co_await detach(on(), out, *first);
      wire += co_await first->peer.read_to_end();

      const auto second = connect();
      out.attach(second->connection);
      const auto flush_then_close = [&]() -> task<> {
        result<> flushed = co_await second->connection.flush();
        EXPECT_TRUE(flushed);
        co_await detach(on(), out, *second);
      };
      auto [closed, rest] = co_await when_all(flush_then_close(), second->peer.read_to_end());

      // The first message that the first connection had not begun is the first of the second one.
      std::size_t begun = 0;
      for (std::size_t at = wire.find('\3'); at < wire.size(); at += sent[begun++].size())
        if (begun == 5) at += std::string_view("PING-LIKE COMMAND").size();
      std::string expected;
      for (std::size_t i = begun; i < sent.size(); ++i) {
        if (i == 5 && begun < 5) expected += "PING-LIKE COMMAND";
        expected += sent[i];
      }
      EXPECT_TRUE(rest == expected) << "begun " << begun << ", kernel took " << kernel_takes << ", rest "
                                    << rest.size() << ", expected " << expected.size();
    }
  });
}

TEST_P(outgoing_test, takes_nothing_while_a_connection_ends) {
  run([&]() -> task<> {
    outgoing out(on().send_buffers(), 0, unbounded);
    const auto wire = connect();
    out.attach(wire->connection);
    push(out, {"sent"});
    result<> flushed = co_await wire->connection.flush();
    EXPECT_TRUE(flushed && out.is_empty());
    push(out, {"unsent"});
    out.begin_detach();
    EXPECT_TRUE(out.is_full());
    EXPECT_FALSE(out.is_empty());
    outbound unsent(on().send_buffers());
    co_await wire->connection.abort(unsent);
    out.end_detach(unsent);
    EXPECT_FALSE(out.is_full());
    EXPECT_FALSE(out.is_empty()) << "it waits for the next connection";
  });
}

/// The positions of messages are forgotten as they leave, also when nobody asks whether it is full.
TEST_P(outgoing_test, in_steady_state_allocates_nothing) {
  run([&]() -> task<> {
    outgoing out(on().send_buffers(), 0, unbounded);
    const auto wire = connect();
    out.attach(wire->connection);
    const message sent({"identity", "", "body"});
    const std::string expected = wire_message({"identity", "", "body"});
    std::uint64_t before = 0;
    for (int i = 0; i < 20'000; ++i) {
      if (i == 10'000) before = allocations_of_this_thread();
      out.push(sent);
      if (i % 100 != 99) continue;
      result<> flushed = co_await wire->connection.flush();
      EXPECT_TRUE(flushed);
      std::array<char, 4096> taken;
      while (calls().recv(wire->peer.number(), taken.data(), taken.size(), 0) > 0) {
      }
    }
    EXPECT_EQ(allocations_of_this_thread(), before);
    co_await detach(on(), out, *wire);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, outgoing_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::zmtp
