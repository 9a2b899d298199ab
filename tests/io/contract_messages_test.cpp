// Operations on messages, on UDP and on unix-domain datagram sockets: boundaries, addresses, control data.
#include "contract.hpp"

#include <weir/io/platform/files.hpp>
#include <weir/io/platform/sockets.hpp>

#include <support/datagrams.hpp>

#include <cstring>
#include <memory>

namespace weir::test {
namespace {

class contract_messages : public per_backend_and_kind<loop_fixture, datagram_transport> {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_datagrams(over()); !why.empty()) GTEST_SKIP() << why;
    per_backend_and_kind::SetUp();
  }
  loop_options with_slots(std::size_t slots) const {
    loop_options tiny = options();
    tiny.buffers.slot_bytes = 4096;
    tiny.buffers.budget_bytes = slots * tiny.buffers.slot_bytes;
    return tiny;
  }
};
using contract_local_messages = contract_messages; // over the loopback interface UDP always has room
using contract_udp_messages = contract_messages;

TEST_P(contract_messages, receive_message_gives_one_with_its_address) {
  const datagram_pair pair(over());
  receive_message receiving(pair.ours.number());
  for (const char* text : {"waited for", "", "there before"}) {
    const bool comes_before = std::strcmp(text, "there before") == 0;
    if (comes_before) send_datagram(pair.theirs.number(), text);
    start(receiving);
    turn();
    turn();
    if (!comes_before) {
      EXPECT_EQ(receiving.state(), operation_state::submitted);
      send_datagram(pair.theirs.number(), text);
    }
    ASSERT_TRUE(finish(receiving));
    EXPECT_EQ(receiving.result(), static_cast<int>(std::strlen(text)));
    EXPECT_EQ(receiving.seen().text, text);
    EXPECT_EQ(receiving.seen().from, bytes_of_address(pair.theirs));
    EXPECT_FALSE(receiving.seen().is_truncated);
  }
}

TEST_P(contract_messages, that_is_longer_than_its_memory_is_cut_and_says_so) {
  const datagram_pair pair(over());
  send_datagram(pair.theirs.number(), "0123456789");
  send_datagram(pair.theirs.number(), "next");
  receive_message receiving(pair.ours.number(), 4);
  ASSERT_TRUE(run(receiving));
  EXPECT_EQ(receiving.seen().text, "0123");
  EXPECT_TRUE(receiving.seen().is_truncated);
  ASSERT_TRUE(run(receiving));
  EXPECT_EQ(receiving.seen().text, "next") << "the rest of the first is gone";
  EXPECT_FALSE(receiving.seen().is_truncated);
}

TEST_P(contract_messages, receive_message_many_gives_each_with_its_address) {
  const datagram_pair pair(over());
  datagram_end other = bind_datagram(over());
  connect_datagram(other, pair.ours);
  receive_message_many receiving(pair.ours.number());
  start(receiving);
  for (std::size_t count = 1; count <= 60; ++count) {
    const datagram_end& sender = count % 4 == 0 ? other : pair.theirs;
    const std::string text = pattern(count * 20 % 1500);
    send_datagram(sender.number(), text);
    ASSERT_TRUE(wait_for([&] { return receiving.messages.size() == count; }));
    EXPECT_EQ(receiving.messages.back().text, text);
    EXPECT_EQ(receiving.messages.back().from, bytes_of_address(sender));
    EXPECT_FALSE(receiving.messages.back().is_truncated);
  }
  receiving.cancel();
  ASSERT_TRUE(finish(receiving));
  EXPECT_EQ(receiving.result(), -ECANCELED);
}

TEST_P(contract_messages, without_bytes_are_messages_and_no_end) {
  const datagram_pair pair(over());
  for (const char* text : {"", "a", "", ""}) send_datagram(pair.theirs.number(), text);
  receive_message_many receiving(pair.ours.number());
  start(receiving);
  ASSERT_TRUE(wait_for([&] { return receiving.messages.size() == 4; }));
  for (const char* text : {"", "b", ""}) {
    send_datagram(pair.theirs.number(), text);
    turn();
  }
  ASSERT_TRUE(wait_for([&] { return receiving.messages.size() == 7; }));
  EXPECT_EQ(receiving.texts(), ",a,,,,b,");
  for (const seen_message& each : receiving.messages) EXPECT_EQ(each.from, bytes_of_address(pair.theirs));
  EXPECT_FALSE(receiving.is_done());
}

TEST_P(contract_messages, a_slot_is_their_greatest_length) {
  reopen(with_slots(4));
  const datagram_pair pair(over());
  receive_message_many receiving(pair.ours.number());
  const std::size_t most = 4096 - message_header::payload_offset(receiving.control.size());
  start(receiving);
  for (const std::size_t size : {most, most + 1, std::size_t{8000}, std::size_t{1}}) {
    send_datagram(pair.theirs.number(), pattern(size));
    ASSERT_TRUE(wait_for([&] { return !receiving.messages.empty(); }));
    EXPECT_EQ(receiving.messages.back().text, pattern(size).substr(0, most));
    EXPECT_EQ(receiving.messages.back().is_truncated, size > most);
    receiving.messages.clear();
  }
}

TEST_P(contract_messages, wait_while_the_pool_is_exhausted) {
  for (const std::size_t slots : {1u, 2u, 5u}) {
    reopen(with_slots(slots));
    const datagram_pair rich(over()), poor(over());
    receive_message_many hoarding(rich.ours.number()), waiting(poor.ours.number());
    hoarding.keeps_leases = true;
    start(hoarding);
    for (std::size_t count = 0; count < slots; ++count) send_datagram(rich.theirs.number(), "kept");
    ASSERT_TRUE(wait_for([&] { return hoarding.leases.size() == slots; }));
    start(waiting);
    for (const char* text : {"a", "", "c"}) send_datagram(poor.theirs.number(), text);
    send_datagram(rich.theirs.number(), "more");
    for (int count = 0; count < 20; ++count) turn();
    EXPECT_LE(waiting.messages.size(), 1u); // one without bytes needs no slot everywhere
    EXPECT_EQ(hoarding.messages.size(), slots);
    EXPECT_GE(on().counters().receives_starved, 1u);
    hoarding.keeps_leases = false;
    hoarding.leases.clear();
    ASSERT_TRUE(
        wait_for([&] { return waiting.messages.size() == 3 && hoarding.messages.size() == slots + 1; }));
    EXPECT_EQ(waiting.texts(), "a,,c");
    EXPECT_FALSE(hoarding.is_done() || waiting.is_done());
  }
}

TEST_P(contract_messages, that_wait_for_slots_can_be_cancelled_and_stay_in_the_socket) {
  reopen(with_slots(2));
  const datagram_pair rich(over()), poor(over());
  receive_message_many hoarding(rich.ours.number()), waiting(poor.ours.number());
  hoarding.keeps_leases = true;
  start(hoarding);
  for (int count = 0; count < 3; ++count) send_datagram(rich.theirs.number(), "kept");
  ASSERT_TRUE(wait_for([&] { return hoarding.leases.size() == 2; }));
  start(waiting);
  send_datagram(poor.theirs.number(), "still here");
  for (int count = 0; count < 5; ++count) turn();
  waiting.cancel();
  ASSERT_TRUE(finish(waiting));
  EXPECT_EQ(waiting.results, std::vector{-ECANCELED});
  EXPECT_EQ(take_datagram(poor.ours.number()), "still here");
  hoarding.cancel();
  ASSERT_TRUE(finish(hoarding));
  hoarding.leases.clear();
}

/// What was reported and what is still in the socket add up to what was sent.
TEST_P(contract_messages, cancelled_at_any_moment_lose_none) {
  const datagram_pair pair(over());
  std::string sent, seen;
  for (int round = 0; round < 100; ++round) {
    receive_message_many many(pair.ours.number());
    receive_message one(pair.ours.number());
    start(many);
    for (int count = 0; count < round % 4; ++count) {
      if (round % 3 != 0) turn();
      send_datagram(pair.theirs.number(), std::to_string(round) + ";");
      sent += std::to_string(round) + ";";
    }
    many.cancel();
    if (round % 5 == 0) many.cancel();
    ASSERT_TRUE(finish(many));
    ASSERT_EQ(many.result(), -ECANCELED);
    for (const seen_message& each : many.messages) seen += each.text;
    start(one);
    if (round % 2 == 0) turn();
    one.cancel();
    ASSERT_TRUE(finish(one));
    if (one.result() >= 0) seen += one.seen().text;
    while (seen.size() < sent.size()) {
      const std::string rest = take_datagram(pair.ours.number());
      ASSERT_NE(rest, "nothing") << "after " << seen;
      seen += rest;
    }
    ASSERT_EQ(seen, sent) << "round " << round;
  }
}

TEST_P(contract_messages, receive_message_many_is_cancelled_by_its_own_handler) {
  const datagram_pair pair(over());
  receive_message_many receiving(pair.ours.number());
  receiving.then = [&] {
    if (!receiving.is_done()) receiving.cancel();
  };
  start(receiving);
  send_datagram(pair.theirs.number(), "x");
  ASSERT_TRUE(finish(receiving));
  EXPECT_EQ(receiving.result(), -ECANCELED);
  EXPECT_EQ(receiving.messages.size(), 1u);
}

TEST_P(contract_messages, are_sent_to_an_address_or_to_whom_the_socket_is_connected) {
  const datagram_pair pair(over());
  send_message connected(pair.theirs.number(), "to whom it is connected");
  ASSERT_TRUE(run(connected));
  EXPECT_EQ(connected.result(), 23);
  EXPECT_EQ(take_datagram(pair.ours.number()), "to whom it is connected");

  datagram_end third = bind_datagram(over());
  send_message to_address(pair.ours.number(), "", &third), behind(pair.ours.number(), "second", &third);
  ASSERT_TRUE(run(to_address, behind));
  EXPECT_EQ(to_address.result(), 0);
  std::string both = take_datagram(third.number()) + "," + take_datagram(third.number());
  EXPECT_TRUE(both == ",second" || both == "second,") << both;
}

TEST_P(contract_messages, are_sent_by_the_batch) {
  const datagram_pair pair(over());
  send_messages connected(pair.theirs.number(), {"one", "", "three"});
  ASSERT_TRUE(run(connected));
  EXPECT_EQ(connected.result(), 3);
  for (const char* text : {"one", "", "three"}) EXPECT_EQ(take_datagram(pair.ours.number()), text);

  datagram_end third = bind_datagram(over());
  send_messages to_address(pair.ours.number(), {"four", "five"}, &third);
  const std::uint64_t before = on().counters().bytes_sent;
  ASSERT_TRUE(run(to_address));
  EXPECT_EQ(to_address.result(), 2);
  EXPECT_EQ(on().counters().bytes_sent - before, 8u);
  EXPECT_EQ(take_datagram(third.number()), "four");
}

TEST_P(contract_local_messages, wait_for_room_and_can_be_cancelled_while_they_do) {
  const datagram_pair pair(over());
  const int queued = fill_with_datagrams(pair.theirs.number(), "fill");
  ASSERT_GT(queued, 0);
  for (const bool is_cancelled : {true, false}) {
    send_message one(pair.theirs.number(), "one");
    send_messages several(pair.theirs.number(), {"two", "three"});
    start(one, several);
    for (int count = 0; count < 5; ++count) turn();
    EXPECT_EQ(one.state(), operation_state::submitted) << "a full socket is no error";
    EXPECT_EQ(several.state(), operation_state::submitted);
    if (is_cancelled) {
      one.cancel();
      several.cancel();
      ASSERT_TRUE(finish(one, several));
      EXPECT_EQ(one.results, std::vector{-ECANCELED});
      EXPECT_EQ(several.results, std::vector{-ECANCELED});
    } else {
      for (int count = 0; count < queued; ++count) EXPECT_EQ(take_datagram(pair.ours.number()), "fill");
      ASSERT_TRUE(finish(one, several));
      EXPECT_EQ(one.result(), 3);
      EXPECT_GE(several.result(), 1);
      std::string all;
      for (int count = 0; count < 1 + several.result(); ++count) all += take_datagram(pair.ours.number());
      EXPECT_TRUE(all.starts_with("onetwo") || all.starts_with("two")) << all;
      EXPECT_EQ(all.size(), several.result() == 2 ? 11u : 6u) << "each whole: " << all;
    }
  }
}

/// The sending socket says that it is writable all the time: waiting for it would be spinning.
TEST_P(contract_local_messages, to_the_address_of_a_full_local_socket_are_to_be_tried_again) {
  const datagram_pair pair(over());
  fill_with_datagrams(pair.theirs.number(), "fill");
  const datagram_end third = bind_datagram(over());
  send_message one(third.number(), "x", &pair.ours), another(third.number(), "y", &pair.ours);
  send_messages several(third.number(), {"x", "y"}, &pair.ours);
  ASSERT_TRUE(run(one, another) && run(one) && run(several));
  EXPECT_EQ(one.results, (std::vector{-EAGAIN, -EAGAIN}));
  EXPECT_EQ(another.results, std::vector{-EAGAIN});
  EXPECT_EQ(several.results, std::vector{-EAGAIN});
}

TEST_P(contract_udp_messages, on_a_connected_socket_meet_the_errors_of_earlier_ones_and_go_on) {
  if (const std::string why = which().is_simulated() ? "" : why_no_late_errors(); !why.empty())
    GTEST_SKIP() << why;
  datagram_pair pair(over());
  connect_datagram(pair.ours, pair.theirs);
  receive_message_many many(pair.ours.number());
  start(many);
  turn();
  const sockaddr_storage name = pair.theirs.address;
  pair.theirs.socket.reset();
  send_message into_the_void(pair.ours.number(), "anybody?");
  ASSERT_TRUE(run(into_the_void) && finish(many));
  EXPECT_EQ(many.results, std::vector{-ECONNREFUSED});

  receive_message one(pair.ours.number());
  start(one);
  turn();
  ASSERT_TRUE(run(into_the_void) && finish(one));
  EXPECT_EQ(one.result(), -ECONNREFUSED);

  descriptor heir(calls().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(calls().bind(heir.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(sockaddr_in)), 0);
  ASSERT_EQ(calls().connect(heir.get(), pair.ours.to(), pair.ours.address_bytes), 0);
  start(many);
  send_datagram(heir.get(), "I am");
  ASSERT_TRUE(wait_for([&] { return many.messages.size() == 1; }));
}

TEST_P(contract_local_messages, carry_descriptors_that_are_closed_on_exec) {
  const datagram_pair pair(over());
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control{};
  send_message sending(pair.theirs.number(), "take it");
  sending.set_control(control);
  cmsghdr* rights = CMSG_FIRSTHDR(&sending.header);
  *rights = cmsghdr{};
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  const int any = pair.ours.number();
  std::memcpy(CMSG_DATA(rights), &any, sizeof any);
  const auto expect_passed = [](std::span<const std::byte> told) {
    ASSERT_GE(told.size(), CMSG_LEN(sizeof(int)));
    int number = -1;
    std::memcpy(&number, told.data() + CMSG_LEN(0), sizeof number);
    const descriptor passed(number);
    EXPECT_NE(calls().fcntl(passed.get(), F_GETFD, 0) & FD_CLOEXEC, 0);
  };

  receive_message one(pair.ours.number());
  ASSERT_TRUE(run(sending, one));
  expect_passed(one.control_data());
  receive_message without_room(pair.ours.number(), 100, 0);
  ASSERT_TRUE(run(sending, without_room));
  EXPECT_TRUE(without_room.seen().is_control_truncated);
  receive_message_many many(pair.ours.number());
  bool has_come = false;
  many.inspect = [&](const completion& what) {
    if (what.more) expect_passed(message_view(what.data, many.control.size()).control());
    has_come = true;
  };
  start(many);
  ASSERT_TRUE(run(sending) && wait_for([&] { return has_come; }));
}

TEST_P(contract_messages, receive_message_many_is_for_datagrams) {
  const connection streams = connect_pair(transport::tcp);
  receive_message_many receiving(streams.ours.get());
  ASSERT_TRUE(run(receiving));
  EXPECT_EQ(receiving.results, std::vector{-EPROTOTYPE});
}

TEST_P(contract_messages, on_a_descriptor_that_is_not_open_fail) {
  datagram_end gone = bind_datagram(over());
  const int bad = gone.number();
  gone.socket.reset();
  receive_message receiving(bad);
  receive_message_many receiving_many(bad);
  send_message sending(bad, "x");
  send_messages sending_several(bad, {"x"});
  ASSERT_TRUE(run(receiving, receiving_many, sending, sending_several));
  for (const int result :
       {receiving.result(), receiving_many.result(), sending.result(), sending_several.result()})
    EXPECT_EQ(result, -EBADF);
}

TEST_P(contract_messages, pass_by_the_thousand_through_few_slots) {
  reopen(with_slots(3));
  const datagram_pair pair(over());
  receive_message_many receiving(pair.ours.number());
  start(receiving);
  std::size_t sent = 0;
  ASSERT_TRUE(wait_for([&] {
    while (sent < 2000 && sent < receiving.messages.size() + 8)
      send_datagram(pair.theirs.number(), std::to_string(sent++));
    return receiving.messages.size() == 2000;
  }));
  for (std::size_t index = 0; index < 2000; ++index)
    ASSERT_EQ(receiving.messages[index].text, std::to_string(index));
}

template <class... Transports>
auto over_each(Transports... transports) {
  return testing::Combine(each_backend(), testing::Values(transports...));
}

INSTANTIATE_TEST_SUITE_P(backends, contract_messages,
                         over_each(datagram_transport::udp, datagram_transport::local),
                         name_of_both<datagram_transport>);
INSTANTIATE_TEST_SUITE_P(backends, contract_local_messages, over_each(datagram_transport::local),
                         name_of_both<datagram_transport>);
INSTANTIATE_TEST_SUITE_P(backends, contract_udp_messages, over_each(datagram_transport::udp),
                         name_of_both<datagram_transport>);

} // namespace
} // namespace weir::test
