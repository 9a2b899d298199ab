// Which of two connections is a peer's own, where a ROUTER lets a second one take over.
#include <gtest/gtest.h>
#include <support/zmtp_peers.hpp>

#include <string>

namespace weir::zmtp {
namespace {

using namespace test;
using enum socket_event_kind;

class handover_test : public backend_test {};

/// Bytes of a connection that its peer has long given up may be under way for a while.
TEST_P(handover_test, keeps_the_later_connection_though_the_earlier_one_greets_last) {
  run([&]() -> task<> {
    socket_options options = quick();
    options.handover = true;
    event_log log;
    log.listen_to(options);
    router ours(options);
    const std::string endpoint = bind_to(ours, any_tcp);
    wire_peer earlier = co_await wire_peer::connect(endpoint);
    co_await log.wait_for(accepted);
    wire_peer later = co_await join(endpoint, "DEALER", "same");
    co_await later.send(wire_frame("new"));
    parts got = co_await receive(ours);
    EXPECT_EQ(got, (parts{"same", "new"}));
    co_await earlier.send(wire_greeting() + wire_ready("DEALER", "same") + wire_frame("old"));
    co_await log.wait_for(handshake_failed);
    co_await send(ours, "same", "to the later");
    got = co_await later.read_message();
    EXPECT_EQ(got, parts{"to the later"});
    message old;
    EXPECT_FALSE(ours.try_receive(old));
    co_await close(ours);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, handover_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::zmtp
