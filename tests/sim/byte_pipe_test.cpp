#include <weir/sim/byte_pipe.hpp>
#include <weir/sim/random.hpp>

#include <gtest/gtest.h>

#include <string>

namespace weir::sim {
namespace {

iovec piece_of(std::string& text) {
  return {text.data(), text.size()};
}

void write(byte_pipe& to, std::string text) {
  const iovec piece = piece_of(text);
  to.write(std::span(&piece, 1), text.size());
}

std::string read(byte_pipe& from, std::size_t most, bool is_peek = false) {
  std::string text(most, '?');
  const iovec piece = piece_of(text);
  text.resize(from.read(std::span(&piece, 1), most, is_peek));
  return text;
}

TEST(byte_pipe_test, gives_what_has_arrived_and_nothing_before) {
  byte_pipe pipe;
  pipe.open(100);
  write(pipe, "hello world");
  EXPECT_EQ(pipe.unread(), 0u);
  EXPECT_EQ(pipe.unsent(), 11u);
  pipe.arrive(5);
  EXPECT_EQ(read(pipe, pipe.unread(), true), "hello");
  EXPECT_EQ(read(pipe, pipe.unread()), "hello");
  pipe.arrive(11);
  EXPECT_EQ(read(pipe, 6), " world");
}

TEST(byte_pipe_test, has_room_again_when_the_sender_has_heard_of_it) {
  byte_pipe pipe;
  pipe.open(10);
  write(pipe, "0123456789");
  EXPECT_EQ(pipe.room(), 0u);
  pipe.arrive(10);
  EXPECT_EQ(read(pipe, 4), "0123");
  EXPECT_EQ(pipe.room(), 0u);
  EXPECT_TRUE(pipe.owes_credit());
  pipe.credit();
  EXPECT_EQ(pipe.room(), 4u);
}

TEST(byte_pipe_test, loses_what_has_not_arrived) {
  byte_pipe pipe;
  pipe.open(100);
  write(pipe, "arrives, is lost");
  pipe.arrive(7);
  pipe.lose_rest();
  EXPECT_EQ(pipe.unsent(), 0u);
  EXPECT_EQ(read(pipe, pipe.unread()), "arrives");
}

TEST(byte_pipe_test, carries_anything_through_memory_that_grows_and_wraps) {
  random_source random(3);
  byte_pipe pipe;
  pipe.open(50'000);
  std::string sent, received;
  std::uint64_t written = 0;
  for (int step = 0; step < 3'000; ++step) {
    std::string text(random.between(0, std::min<std::size_t>(pipe.room(), 9'000)), ' ');
    for (char& each : text) each = static_cast<char>(random.bits());
    written += text.size();
    sent += text;
    write(pipe, std::move(text));
    pipe.arrive(random.between(pipe.arrived(), written));
    received += read(pipe, random.between(0, pipe.unread()));
    pipe.credit();
  }
  ASSERT_TRUE(sent.starts_with(received));
  pipe.arrive(written);
  received += read(pipe, pipe.unread());
  EXPECT_TRUE(sent == received);
}

} // namespace
} // namespace weir::sim
