// The first bytes of a connection, as peers insist on them: in two steps, then READY, also for peers of
// ZMTP 3.0.
#include <weir/async/sleep.hpp>
#include <weir/zmtp/handshake.hpp>

#include <gtest/gtest.h>
#include <support/zmtp_peers.hpp>

#include <string>
#include <vector>

namespace weir::zmtp {
namespace {

using namespace test;
using enum socket_event_kind;

const std::string dealer_ready =
    std::string("\4\x29\5READY\x0bSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\0", 43);

class handshake_test : public backend_test {};

/// A peer that decides by the signature how to go on must not get more before its own is there.
TEST_P(handshake_test, of_a_dealer_that_connects_is_byte_for_byte_what_peers_expect) {
  run([&]() -> task<> {
    const listening_socket listener = listen_on_tcp();
    dealer ours(quick());
    connect_to(ours, endpoint_of(listener));
    wire_peer theirs = co_await wire_peer::accept(listener);
    const std::string signature = co_await theirs.read(10);
    EXPECT_EQ(signature, wire_signature);
    co_await turns(20);
    EXPECT_EQ(unread_bytes(theirs.number()), 0u) << "the first chunk is the signature alone";

    co_await theirs.send(wire_signature);
    const std::string rest = co_await theirs.read(54);
    EXPECT_EQ(rest, wire_greeting_rest());
    co_await turns(5);
    EXPECT_EQ(unread_bytes(theirs.number()), 0u) << "READY waits for the greeting";
    co_await theirs.send(wire_greeting_rest());
    const std::string ready = co_await theirs.read(dealer_ready.size());
    EXPECT_EQ(ready, dealer_ready);

    co_await theirs.send(wire_ready("ROUTER"));
    co_await send(ours, "Hello");
    const std::string hello = co_await theirs.read(7);
    EXPECT_EQ(hello, std::string("\0\5Hello", 7));
    const std::string large(64'000, 'l');
    co_await send(ours, large);
    const std::string header = co_await theirs.read(9);
    EXPECT_EQ(header, "\2" + big_endian(64'000, 8));
    const std::string body = co_await theirs.read(64'000);
    EXPECT_TRUE(body == large);
    co_await close(ours);
  });
}

TEST_P(handshake_test, tells_type_and_routing_id) {
  run([&]() -> task<> {
    router ours(quick("me"));
    const std::string endpoint = bind_to(ours, any_local());
    wire_peer theirs = co_await wire_peer::connect(endpoint);
    const std::string ready = co_await theirs.shake_hands("DEALER", "you");
    EXPECT_EQ(ready, wire_ready("ROUTER", "me"));
    co_await close(ours);
  });
}

TEST_P(handshake_test, succeeds_wherever_the_peers_bytes_are_cut) {
  run([&]() -> task<> {
    dealer ours(quick());
    const std::string endpoint = bind_to(ours, any_local());
    const std::string text = wire_greeting() + wire_ready("DEALER") + wire_frame("first");
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      wire_peer theirs = co_await wire_peer::connect(endpoint);
      co_await theirs.send(std::string_view(text).substr(0, cut));
      co_await turns(3);
      co_await theirs.send(std::string_view(text).substr(cut));
      const parts got = co_await receive(ours);
      EXPECT_EQ(got, parts{"first"}) << "cut behind " << cut;
    }
    co_await close(ours);
  });
}

TEST_P(handshake_test, succeeds_byte_by_byte) {
  run([&]() -> task<> {
    dealer ours(quick());
    const std::string endpoint = bind_to(ours, any_tcp);
    wire_peer theirs = co_await wire_peer::connect(endpoint);
    for (const char octet : wire_greeting() + wire_ready("REP") + wire_frame("slow")) {
      co_await theirs.send(std::string_view(&octet, 1));
      co_await turns(1);
    }
    const parts got = co_await receive(ours);
    EXPECT_EQ(got, parts{"slow"});
    co_await close(ours);
  });
}

/// Peers of ZMTP 3.0, of any later version, and those that do not set the last octet of the signature's
/// padding.
TEST_P(handshake_test, speaks_with_every_version_from_3_0_on) {
  run([&]() -> task<> {
    dealer ours(quick());
    const std::string endpoint = bind_to(ours, any_local());
    const std::string other_padding("\xff\0\0\0\0\0\0\0\0\x7f", 10);
    for (const std::string& greeting :
         {wire_greeting(0), wire_greeting(1), wire_greeting(9), other_padding + wire_greeting_rest(0),
          std::string(wire_signature) + wire_greeting_rest(0, "NULL", 4)}) {
      wire_peer theirs = co_await wire_peer::connect(endpoint);
      co_await theirs.send(greeting + wire_ready("DEALER"));
      co_await theirs.read(64 + dealer_ready.size());
      co_await theirs.send(wire_frame("hello"));
      const parts got = co_await receive(ours);
      EXPECT_EQ(got, parts{"hello"});
      co_await send(ours, "answer");
      const parts answer = co_await theirs.read_message();
      EXPECT_EQ(answer, parts{"answer"});
      theirs.close();
      co_await until([&] { return ours.connected() == 0; });
    }
    co_await close(ours);
  });
}

TEST_P(handshake_test, passes_over_properties_that_it_does_not_know) {
  run([&]() -> task<> {
    router ours(quick());
    const std::string endpoint = bind_to(ours, any_local());
    wire_peer theirs = co_await wire_peer::connect(endpoint);
    const std::string ready = wire_property("X-Anything", std::string(300, 'x')) +
                              wire_property("socket-type", "REQ") + wire_property("Identity", "the peer");
    const std::string question = wire_message({"", "question"});
    co_await theirs.send(wire_greeting() + wire_command("READY", ready) + question);
    const parts got = co_await receive(ours);
    EXPECT_EQ(got, (parts{"the peer", "", "question"}));
    co_await close(ours);
  });
}

struct refusal {
  const char* name;
  std::string bytes;
  errc code;
};

const std::vector<refusal> refusals = {
    {"http", "GET / HTTP/1.1\r\n", errc::protocol},
    {"signature_of_zmtp_1", std::string("\1\0", 2), errc::protocol},
    {"signature_without_its_end", std::string("\xff\0\0\0\0\0\0\0\1\x7e", 10), errc::protocol},
    {"version_2", std::string(wire_signature) + std::string("\1\5", 2), errc::protocol},
    {"mechanism_plain", std::string(wire_signature) + wire_greeting_rest(1, "PLAIN"), errc::protocol},
    {"message_instead_of_ready", wire_greeting() + wire_frame("sneaky"), errc::protocol},
    {"other_command_instead_of_ready", wire_greeting() + wire_command("HELLO"), errc::protocol},
    {"error_instead_of_ready", wire_greeting() + wire_command("ERROR", "\2no"), errc::protocol},
    {"ready_without_type", wire_greeting() + wire_command("READY"), errc::protocol},
    {"ready_of_no_type", wire_greeting() + wire_ready("NOTHING"), errc::protocol},
    {"ready_that_is_cut", wire_greeting() + wire_command("READY", "\x0bSocket-Type"), errc::protocol},
    {"incompatible_type", wire_greeting() + wire_ready("PUB"), errc::protocol},
    {"identity_of_256_bytes", wire_greeting() + wire_ready("DEALER", std::string(256, 'i')), errc::protocol},
    {"identity_that_begins_with_0", wire_greeting() + wire_ready("DEALER", std::string("\0id", 3)),
     errc::protocol},
    {"endless_ready", wire_greeting() + "\6" + big_endian(1 << 20, 8), errc::limit_reached},
};

/// Each ends in an error that says so, on its connection only: one that was there before is served on.
TEST_P(handshake_test, refuses_each_fault_and_serves_the_others) {
  run([&]() -> task<> {
    event_log log;
    socket_options options = quick();
    log.listen_to(options);
    router ours(options);
    const std::string endpoint = bind_to(ours, any_local());
    wire_peer good = co_await join(endpoint, "DEALER", "good");
    for (const refusal& each : refusals) {
      const std::size_t failed_before = log.count(handshake_failed);
      wire_peer bad = co_await wire_peer::connect(endpoint);
      co_await bad.try_send(each.bytes);
      co_await bad.read_to_end();
      co_await log.wait_for(handshake_failed, failed_before + 1);
      EXPECT_EQ(log.reason_of(handshake_failed), each.code)
          << each.name << ": " << log.reason_of(handshake_failed).message();
      EXPECT_STRNE(log.reason_of(handshake_failed).operation(), "") << each.name << " names no rule";

      co_await good.send(wire_frame("still here"));
      const parts got = co_await receive(ours);
      EXPECT_EQ(got, (parts{"good", "still here"})) << "after " << each.name;
    }
    EXPECT_EQ(ours.connected(), 1u);
    EXPECT_EQ(ours.counters().handshakes_failed, refusals.size());
    co_await close(ours);
  });
}

TEST_P(handshake_test, that_the_peer_leaves_at_any_point_is_an_error) {
  run([&]() -> task<> {
    event_log log;
    socket_options options = quick();
    log.listen_to(options);
    router ours(options);
    const std::string endpoint = bind_to(ours, any_local());
    const std::string text = wire_greeting() + wire_ready("DEALER");
    for (std::size_t end = 0; end < text.size(); end += 7) {
      const std::size_t failed_before = log.count(handshake_failed);
      wire_peer leaves = co_await wire_peer::connect(endpoint);
      co_await leaves.send(std::string_view(text).substr(0, end));
      leaves.end();
      co_await leaves.read_to_end();
      co_await log.wait_for(handshake_failed, failed_before + 1);
      EXPECT_EQ(log.reason_of(handshake_failed), errc::end_of_stream) << "left behind " << end;
    }
    co_await close(ours);
  });
}

TEST_P(handshake_test, that_takes_too_long_is_ended) {
  run([&]() -> task<> {
    event_log log;
    socket_options options = quick();
    options.handshake_interval = std::chrono::milliseconds(20);
    log.listen_to(options);
    router ours(options);
    const std::string endpoint = bind_to(ours, any_tcp);
    wire_peer silent = co_await wire_peer::connect(endpoint);
    wire_peer slow = co_await wire_peer::connect(endpoint);
    const auto dribble = [&]() -> task<> { // one byte now and then is no reason to wait longer
      const std::string text = wire_greeting();
      std::size_t sent = 0;
      while (log.count(handshake_failed) < 2) {
        sent += co_await slow.try_send(std::string_view(text).substr(sent % text.size(), 1));
        result<> slept = co_await sleep_for(1ms);
        if (!slept || sent >= text.size()) break;
      }
      co_await log.wait_for(handshake_failed, 2);
    };
    co_await when_all(dribble(), slow.read_to_end(), silent.read_to_end());
    EXPECT_TRUE(log.reason_of(handshake_failed).is_timeout()) << log.reason_of(handshake_failed).message();
    co_await close(ours);
  });
}

TEST_P(handshake_test, is_tried_again_when_it_fails) {
  run([&]() -> task<> {
    event_log log;
    socket_options options = quick();
    log.listen_to(options);
    const listening_socket listener = listen_on_tcp();
    dealer ours(options);
    connect_to(ours, endpoint_of(listener));
    wire_peer refused = co_await wire_peer::accept(listener);
    co_await refused.send("not ZMTP at all");
    co_await log.wait_for(handshake_failed);
    wire_peer theirs = co_await wire_peer::accept(listener);
    co_await theirs.shake_hands("ROUTER");
    co_await log.wait_for(handshake_succeeded);
    co_await theirs.send(wire_frame("welcome"));
    const parts got = co_await receive(ours);
    EXPECT_EQ(got, parts{"welcome"});
    co_await close(ours);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, handshake_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::zmtp
