// What a peer has sent and nobody has taken: messages come out whole and in order wherever the stream was
// cut.
#include <weir/base/buffer_pool.hpp>
#include <weir/zmtp/incoming.hpp>

#include <gtest/gtest.h>
#include <support/allocations.hpp>
#include <support/zmtp_wire.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <vector>

namespace weir::zmtp {
namespace {

using namespace test;

class incoming_test : public testing::Test {
 protected:
  incoming_test() { in.scanner().allow_messages(); }

  /// A chunk as a session takes it.
  void arrive(std::string_view bytes) {
    lease chunk = pool.acquire();
    ASSERT_LE(bytes.size(), chunk.size());
    std::memcpy(chunk.writable().data(), bytes.data(), bytes.size());
    chunk.truncate(bytes.size());
    std::span<const std::byte> rest = chunk;
    while (!rest.empty()) {
      const auto event = in.scanner().scan(rest);
      ASSERT_TRUE(event) << event.error().message();
      if (*event == scan_event::command) ++commands;
    }
    in.push(std::move(chunk));
  }
  void arrive_in_pieces(std::string_view bytes, std::size_t size) {
    for (std::size_t at = 0; at < bytes.size(); at += size) arrive(bytes.substr(at, size));
  }
  std::vector<parts> take_all() {
    std::vector<parts> all;
    while (in.has_message()) {
      message taken;
      in.take(taken);
      all.push_back(parts_of(taken));
    }
    return all;
  }
  void begin_connection() { in.scanner().allow_messages(); }

  static constexpr std::size_t slot_bytes = 65536;
  buffer_pool pool{buffer_pool_options{slot_bytes, 4096 * slot_bytes}};
  incoming in{scan_limits{}};
  int commands = 0;
};

const std::vector<parts> several = {
    {""},
    {"x"},
    {"two", ""},
    {std::string(30, 'a'), std::string(31, 'b')},
    {std::string(255, 'c')},
    {std::string(256, 'd'), "", "end"},
};

std::string wire_of(const std::vector<parts>& messages) {
  std::string text;
  for (const parts& each : messages) text += wire_message(each);
  return text;
}

TEST_F(incoming_test, counts_whole_messages_only) {
  arrive(wire_frame("begun", 1));
  EXPECT_FALSE(in.has_message());
  arrive(wire_frame("ended"));
  EXPECT_EQ(in.messages(), 1u);
  EXPECT_EQ(take_all(), (std::vector<parts>{{"begun", "ended"}}));
}

TEST_F(incoming_test, gives_messages_in_order_from_one_chunk) {
  arrive(wire_of(several));
  EXPECT_EQ(in.messages(), several.size());
  EXPECT_EQ(take_all(), several);
  EXPECT_EQ(pool.slots_in_use(), 0u);
  EXPECT_EQ(in.pinned_bytes(), 0u);
}

TEST_F(incoming_test, gives_the_same_wherever_the_stream_is_cut_in_two) {
  const std::string text = wire_of(several);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    if (cut > 0) arrive(std::string_view(text).substr(0, cut));
    std::vector<parts> taken = take_all();
    if (cut < text.size()) arrive(std::string_view(text).substr(cut));
    for (parts& each : take_all()) taken.push_back(std::move(each));
    ASSERT_EQ(taken, several) << "cut behind " << cut;
    ASSERT_EQ(pool.slots_in_use(), 0u);
  }
}

TEST_F(incoming_test, gives_the_same_in_pieces_of_any_size) {
  const std::string text = wire_of(several);
  for (std::size_t size = 1; size < 80; ++size) {
    arrive_in_pieces(text, size);
    ASSERT_EQ(take_all(), several) << "pieces of " << size;
    ASSERT_EQ(in.pinned_bytes(), 0u);
  }
}

TEST_F(incoming_test, passes_over_commands_wherever_they_stand) {
  const std::string short_command = wire_command("PING", std::string("\0\0context", 9));
  const std::string long_command = wire_command("LONG", std::string(300, '-'));
  const std::string text = short_command + wire_frame("a", 1) + short_command + long_command +
                           wire_frame("b") + wire_frame("c") + short_command;
  for (std::size_t size = 1; size <= text.size(); ++size) {
    commands = 0;
    arrive_in_pieces(text, size);
    ASSERT_EQ(take_all(), (std::vector<parts>{{"a", "b"}, {"c"}})) << "pieces of " << size;
    ASSERT_EQ(commands, 4);
  }
}

TEST_F(incoming_test, frames_that_lie_in_one_chunk_are_not_copied) {
  arrive(wire_frame(std::string(1000, 'x')));
  message taken;
  in.take(taken);
  EXPECT_EQ(pool.slots_in_use(), 1u) << "the message refers to the chunk";
  EXPECT_EQ(in.pinned_bytes(), 0u) << "which the consumer answers for now";
  taken.clear();
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST_F(incoming_test, frames_that_span_chunks_are_copied_and_free_them) {
  arrive_in_pieces(wire_frame(std::string(1000, 'x')), 400);
  message taken;
  in.take(taken);
  EXPECT_EQ(taken.front().text(), std::string(1000, 'x'));
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST_F(incoming_test, replaces_what_is_behind_the_envelope_and_nothing_else) {
  arrive(wire_frame("body") + wire_message({"one", "two", "three"}) + wire_frame("end"));
  message taken({"routing id", "old", "older"});
  in.take(taken, 1);
  EXPECT_EQ(parts_of(taken), (parts{"routing id", "body"}));
  in.take(taken, 1);
  EXPECT_EQ(parts_of(taken), (parts{"routing id", "one", "two", "three"}));
  in.take(taken);
  EXPECT_EQ(parts_of(taken), parts{"end"});
}

/// By the short way where that is open, else by the other: the messages are the same.
TEST_F(incoming_test, gives_the_same_by_the_short_way) {
  for (const std::size_t size : {0u, 1u, 29u, 30u, 31u, 64u, 255u, 256u}) {
    std::vector<std::string> bodies;
    for (char letter = 'a'; letter <= 'z'; ++letter) bodies.emplace_back(size, letter);
    std::string text;
    for (const std::string& body : bodies) text += wire_frame(body);
    arrive_in_pieces(text, 1000);
    frame body;
    std::size_t quick = 0;
    for (const std::string& expected : bodies) {
      in.open_short_way(in.messages());
      if (in.try_take_short(body)) {
        ++quick;
      } else {
        message taken;
        in.take(taken);
        body = std::move(taken.front());
      }
      ASSERT_EQ(body.text(), expected);
    }
    body.clear();
    EXPECT_FALSE(in.has_message());
    EXPECT_EQ(pool.slots_in_use(), 0u);
    EXPECT_EQ(quick > 0, size <= 255);
  }
}

TEST_F(incoming_test, has_no_short_way_for_commands_and_messages_of_several_frames) {
  arrive(wire_command("PING", std::string("\0\0", 2)) + wire_message({"a", "b"}) + wire_frame("end"));
  frame body;
  in.open_short_way(2);
  EXPECT_FALSE(in.try_take_short(body));
  EXPECT_EQ(take_all(), (std::vector<parts>{{"a", "b"}, {"end"}}));
}

TEST_F(incoming_test, has_its_short_way_open_for_as_many_messages_as_was_said) {
  arrive(wire_frame("1") + wire_frame("2") + wire_frame("3") + wire_frame(std::string(100, '4')));
  frame body;
  EXPECT_FALSE(in.is_short_way_open());
  in.open_short_way(2);
  EXPECT_TRUE(in.try_take_short(body));
  EXPECT_TRUE(in.try_take_short(body));
  EXPECT_FALSE(in.is_short_way_open());
  in.open_short_way(1);
  in.close_short_way();
  EXPECT_FALSE(in.is_short_way_open());
  in.open_short_way(1);
  in.end_of_connection();
  EXPECT_FALSE(in.is_short_way_open());
  EXPECT_EQ(take_all(), (std::vector<parts>{{"3"}, {std::string(100, '4')}}));
}

TEST_F(incoming_test, a_message_for_which_there_is_no_memory_is_lost_and_no_other) {
  const parts of_many_frames = {"1", "2", "3", "4", "5"};
  arrive_in_pieces(wire_frame(std::string(1000, 'x')), 400);
  arrive(wire_frame("a") + wire_message(of_many_frames) + wire_frame("b"));
  arrive_in_pieces(wire_message({"in", std::string(1000, 'y'), "front"}), 400);
  arrive(wire_frame("c"));
  for (const char* next : {"a", "b", "c"}) {
    message taken;
    if (!weir::test::fail_allocation(1)) GTEST_SKIP() << "a sanitizer gives the memory";
    EXPECT_THROW(in.take(taken), std::bad_alloc) << next;
    EXPECT_TRUE(taken.empty());
    in.take(taken);
    EXPECT_EQ(parts_of(taken), parts{next});
  }
  EXPECT_FALSE(in.has_message());
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

// --- large bodies ---

class large_body : public incoming_test {
 protected:
  static constexpr std::size_t body_bytes = 1'000'000;
  const std::string body = std::string(body_bytes / 2, 'p') + std::string(body_bytes / 2, 'q');

  /// Receives the rest straight into its own memory, as a session does.
  void receive_rest(std::string_view rest) {
    ASSERT_EQ(in.large_body_missing(), rest.size());
    const std::span<std::byte> memory = in.open_large_body();
    ASSERT_EQ(memory.size(), rest.size());
    std::memcpy(memory.data(), rest.data(), rest.size());
    std::span<const std::byte> walked = memory;
    ASSERT_TRUE(in.scanner().scan(walked));
    in.close_large_body();
  }
};

TEST_F(large_body, moves_what_has_arrived_of_it_wherever_it_was_cut) {
  const std::string whole = wire_message({"before", body, "behind"});
  const std::size_t begins = wire_frame("before", 1).size() + 9;
  for (const std::size_t arrived : {std::size_t{0}, std::size_t{1}, std::size_t{50'000}}) {
    arrive(std::string_view(whole).substr(0, begins + arrived));
    receive_rest(std::string_view(body).substr(arrived));
    arrive(std::string_view(whole).substr(begins + body.size()));
    EXPECT_EQ(take_all(), (std::vector<parts>{{"before", body, "behind"}})) << arrived;
    EXPECT_EQ(pool.slots_in_use(), 0u);
    EXPECT_EQ(in.pinned_bytes(), 0u);
  }
}

TEST_F(large_body, header_cut_from_its_body) {
  const std::string whole = wire_frame(body);
  for (std::size_t cut = 1; cut <= 9; ++cut) {
    arrive(std::string_view(whole).substr(0, cut));
    if (cut < 9) arrive(std::string_view(whole).substr(cut, 9 - cut));
    receive_rest(body);
    EXPECT_EQ(take_all(), (std::vector<parts>{{body}}));
  }
}

TEST_F(large_body, stands_behind_messages_that_nobody_has_taken) {
  arrive(wire_frame("first") + wire_frame(body).substr(0, 20'000));
  receive_rest(std::string_view(body).substr(20'000 - 9));
  EXPECT_EQ(in.messages(), 2u);
  EXPECT_EQ(take_all(), (std::vector<parts>{{"first"}, {body}}));
}

TEST_F(large_body, that_is_small_enough_is_gathered_from_the_pool) {
  arrive(wire_frame(std::string(100'000, 'm')).substr(0, 10'000));
  EXPECT_EQ(in.large_body_missing(), 0u);
}

TEST_F(large_body, goes_when_the_connection_ends_within_it) {
  arrive(wire_frame("whole") + wire_frame(body).substr(0, 20'000));
  in.open_large_body();
  in.end_of_connection();
  EXPECT_EQ(take_all(), (std::vector<parts>{{"whole"}}));
  EXPECT_EQ(in.pinned_bytes(), 0u);
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

// --- the end of a connection ---

/// Whatever prefix of the stream came before the end: whole messages stay, nothing of an incomplete one does,
/// and the messages of the next connection follow.
TEST_F(incoming_test, keeps_whole_messages_when_the_connection_ends) {
  const std::string text = wire_of(several);
  std::size_t whole = 0, whole_bytes = wire_message(several[0]).size();
  for (std::size_t end = 0; end <= text.size(); ++end) {
    if (end == whole_bytes && ++whole < several.size()) whole_bytes += wire_message(several[whole]).size();
    for (const std::size_t size : {std::size_t{7}, std::size_t{100}, text.size()}) {
      arrive_in_pieces(std::string_view(text).substr(0, end), size);
      in.end_of_connection();
      begin_connection();
      ASSERT_EQ(in.messages(), whole) << "ended behind " << end;
      arrive(wire_frame("of the next connection"));
      std::vector<parts> expected(several.begin(), several.begin() + static_cast<std::ptrdiff_t>(whole));
      expected.push_back({"of the next connection"});
      ASSERT_EQ(take_all(), expected) << "ended behind " << end << " in pieces of " << size;
      ASSERT_EQ(in.pinned_bytes(), 0u);
      ASSERT_EQ(pool.slots_in_use(), 0u);
    }
  }
}

TEST_F(incoming_test, keeps_what_is_left_of_a_chunk_that_was_taken_from_when_the_connection_ends) {
  arrive(wire_frame("taken") + wire_frame("left") + wire_frame("cut", 1));
  message taken;
  in.take(taken);
  in.end_of_connection();
  EXPECT_EQ(take_all(), (std::vector<parts>{{"left"}}));
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST_F(incoming_test, survives_any_mixture_of_arriving_taking_and_ending) {
  std::mt19937 random(11);
  std::vector<parts> expected, taken;
  const auto take_some = [&](std::size_t count) {
    for (; count > 0 && in.has_message(); --count) {
      message one;
      in.take(one);
      taken.push_back(parts_of(one));
    }
  };
  for (int connection = 0; connection < 300; ++connection) {
    begin_connection();
    std::string text;
    std::vector<std::size_t> ends;
    std::vector<parts> sent;
    for (std::size_t count = random() % 12; count > 0; --count) {
      sent.push_back(
          parts(1 + random() % 3, std::string(random() % 400, static_cast<char>('a' + connection % 26))));
      text +=
          (random() % 4 == 0 ? wire_command("PING", std::string(2, '\0')) : "") + wire_message(sent.back());
      ends.push_back(text.size());
    }
    const std::size_t arrived = text.empty() ? 0 : random() % (text.size() + 1);
    for (std::size_t at = 0; at < arrived;) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 200, arrived - at);
      arrive(std::string_view(text).substr(at, size));
      at += size;
      if (random() % 3 == 0) take_some(random() % 4);
    }
    for (std::size_t i = 0; i < sent.size() && ends[i] <= arrived; ++i) expected.push_back(sent[i]);
    in.end_of_connection();
    if (random() % 2 == 0) take_some(random() % 5);
  }
  take_some(~std::size_t{0});
  EXPECT_EQ(taken, expected);
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

} // namespace
} // namespace weir::zmtp
