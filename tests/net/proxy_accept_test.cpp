// Who is behind a connection: trust, and headers that come slowly, broken, too late or not at all.
#include "stream_ends.hpp"

#include <weir/net/proxy_accept.hpp>

namespace weir::test {
namespace {

class proxy_accept : public stream_test {
 protected:
  /// Trusts whoever connects here.
  static proxy_policy trusting() {
    proxy_policy policy;
    policy.trusted.push_back(*ip_network::parse("127.0.0.0/8"));
    policy.trusts_local = true;
    return policy;
  }
  static std::string told_by(const result<stream_peer>& peer) {
    return peer ? peer->source.to_string() + " " + peer->destination.to_string() : peer.error().message();
  }
};

TEST_P(proxy_accept, tells_the_client_and_leaves_the_rest_in_the_stream) {
  run([&]() -> task<> {
    proxy_header header;
    header.source = *address::ip("192.0.2.1", 7);
    header.destination = *address::ip("192.0.2.2", 8);
    header.tlvs.emplace_back(proxy_tlv_unique_id, "id");
    for (const std::string& sent : {encode_proxy_v1(header), encode_proxy_v2(header, true).value()}) {
      stream_ends ends = connected();
      co_await ends.theirs.send(sent + "hello");
      result<stream_peer> peer = co_await read_proxy_header(ends.ours, trusting());
      EXPECT_EQ(told_by(peer), "192.0.2.1:7 192.0.2.2:8");
      EXPECT_TRUE(peer->header);
      const std::string text = co_await read_text(ends.ours, 5);
      EXPECT_EQ(text, "hello");
    }
  });
}

TEST_P(proxy_accept, waits_for_a_header_that_comes_byte_by_byte) {
  run([&]() -> task<> {
    const std::string sent = "PROXY TCP4 192.0.2.1 192.0.2.2 7 8\r\n!";
    stream_ends ends = connected();
    auto dribble = [&]() -> task<> {
      for (const char each : sent) {
        co_await ends.theirs.send(std::string(1, each));
        co_await turns(2);
      }
    };
    auto [peer, done] = co_await when_all(read_proxy_header(ends.ours, trusting()), dribble());
    EXPECT_EQ(told_by(peer), "192.0.2.1:7 192.0.2.2:8");
    const std::string rest = co_await read_text(ends.ours, 1);
    EXPECT_EQ(rest, "!");
  });
}

TEST_P(proxy_accept, of_a_health_check_tells_the_ends_of_the_socket) {
  run([&]() -> task<> {
    for (const std::string& sent :
         {std::string("PROXY UNKNOWN\r\n"), std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16)}) {
      stream_ends ends = connected();
      co_await ends.theirs.send(sent);
      result<stream_peer> peer = co_await read_proxy_header(ends.ours, trusting());
      EXPECT_EQ(told_by(peer),
                ends.ours.remote_address()->to_string() + " " + ends.ours.local_address()->to_string());
      EXPECT_TRUE(peer->header);
    }
  });
}

TEST_P(proxy_accept, takes_nothing_from_who_is_not_trusted) {
  run([&]() -> task<> {
    proxy_policy policy;
    policy.trusted.push_back(*ip_network::parse("10.0.0.0/8"));
    const std::string lie = "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n";
    stream_ends ends = connected();
    co_await ends.theirs.send(lie);
    result<stream_peer> peer = co_await read_proxy_header(ends.ours, policy);
    EXPECT_EQ(told_by(peer),
              ends.ours.remote_address()->to_string() + " " + ends.ours.local_address()->to_string());
    EXPECT_FALSE(peer->header);
    const std::string text = co_await read_text(ends.ours, lie.size());
    EXPECT_EQ(text, lie);
    policy.refuses_others = true;
    result<stream_peer> refused = co_await read_proxy_header(ends.ours, policy);
    EXPECT_TRUE(!refused && refused.error() == std::errc::permission_denied);
  });
}

TEST_P(proxy_accept, insists_on_a_header_from_who_is_trusted) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    co_await ends.theirs.send("G"); // and then waits for an answer
    result<stream_peer> peer = co_await read_proxy_header(ends.ours, trusting());
    EXPECT_TRUE(!peer && peer.error() == errc::protocol);
    EXPECT_EQ(peer.error().endpoint(), ends.ours.remote_address()->to_string());
  });
}

TEST_P(proxy_accept, ends_when_the_header_does_not_come) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    co_await ends.theirs.send("PROXY TCP4 ");
    proxy_policy policy = trusting();
    policy.header_timeout = 2ms;
    result<stream_peer> late = co_await read_proxy_header(ends.ours, policy);
    EXPECT_TRUE(!late && late.error().is_timeout());
    stream_ends others = connected();
    co_await others.theirs.send("PROXY");
    others.theirs.close();
    result<stream_peer> cut = co_await read_proxy_header(others.ours, trusting());
    EXPECT_TRUE(!cut && cut.error() == errc::end_of_stream);
  });
}

TEST_P(proxy_accept, holds_no_more_of_a_header_than_allowed) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    co_await ends.theirs.send(std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", 16));
    result<stream_peer> peer = co_await read_proxy_header(ends.ours, trusting());
    EXPECT_TRUE(!peer && peer.error() == errc::limit_reached);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, proxy_accept, over_each_transport(), name_of_transport);

} // namespace
} // namespace weir::test
