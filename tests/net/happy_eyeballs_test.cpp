// Several addresses, one connection: the order of attempts, the race, and what is left of the losers.
#include "stream_ends.hpp"

#include <weir/net/happy_eyeballs.hpp>
#include <weir/net/listener.hpp>

#include <support/black_hole.hpp>
#include <support/descriptors.hpp>

#include <algorithm>
#include <vector>

namespace weir::test {
namespace {

address ip_of(const char* host, std::uint16_t port = 80) {
  return *address::ip(host, port);
}

std::string order_of(address_interleaver::preference which, const std::vector<const char*>& hosts) {
  address_interleaver candidates(which);
  for (const char* each : hosts) candidates.add(ip_of(each));
  std::string order;
  while (!candidates.empty()) order += candidates.next().host() + " ";
  return order;
}

constexpr auto ipv6_first = address_interleaver::preference::ipv6;
constexpr auto keep_order = address_interleaver::preference::keep_order;

TEST(address_interleaver_test, takes_the_families_in_turn) {
  const std::vector<const char*> hosts{"10.0.0.1", "10.0.0.2", "10.0.0.3", "::1", "::2"};
  EXPECT_EQ(order_of(ipv6_first, hosts), "::1 10.0.0.1 ::2 10.0.0.2 10.0.0.3 ");
  EXPECT_EQ(order_of(keep_order, hosts), "10.0.0.1 ::1 10.0.0.2 ::2 10.0.0.3 ");
}

TEST(address_interleaver_test, works_with_one_family) {
  EXPECT_EQ(order_of(ipv6_first, {"10.0.0.1", "10.0.0.2"}), "10.0.0.1 10.0.0.2 ");
  EXPECT_EQ(order_of(keep_order, {"::1", "::2"}), "::1 ::2 ");
}

class happy_eyeballs_test : public backend_test {
 protected:
  static listener listening() { return std::move(*listener::bind(ip_of("127.0.0.1", 0))); }
  /// A port that nobody listens on.
  static address refused() {
    const listening_socket closed = listen_on(transport::tcp);
    return {closed.to(), closed.address_bytes};
  }
  static std::vector<address> list(const address& first, const address& second) { return {first, second}; }
  /// Waits for ever before another attempt, unless told to be quick.
  static connect_options slow() {
    connect_options options;
    options.attempt_delay = 1h;
    return options;
  }
  static connect_options quick() {
    connect_options options;
    options.attempt_delay = 1ms;
    return options;
  }
};

TEST_P(happy_eyeballs_test, connects_to_the_first_that_answers) {
  run([&]() -> task<> {
    listener first = listening();
    listener second = listening();
    result<stream> made = co_await connect_any(list(first.local_address(), second.local_address()), slow());
    EXPECT_TRUE(made) << made.error().message();
    EXPECT_EQ(made->remote_address()->to_string(), first.local_address().to_string());
    result<stream> theirs = co_await first.accept();
    co_await write_text(*theirs, "welcome");
    const std::string text = co_await read_text(*made, 7);
    EXPECT_EQ(text, "welcome");
  });
}

TEST_P(happy_eyeballs_test, tries_the_next_at_once_when_one_fails) {
  run([&]() -> task<> {
    listener good = listening();
    result<stream> made = co_await connect_any(list(refused(), good.local_address()), slow());
    EXPECT_TRUE(made) << made.error().message();
  });
}

TEST_P(happy_eyeballs_test, does_not_wait_for_one_that_is_silent_and_closes_it) {
  const black_hole silent;
  run([&]() -> task<> {
    listener good = listening();
    const std::size_t open_before = open_descriptors();
    result<stream> made = co_await connect_any(list(silent.where(), good.local_address()), quick());
    EXPECT_TRUE(made) << made.error().message();
    EXPECT_EQ(made->remote_address()->to_string(), good.local_address().to_string());
    result<stream> theirs = co_await good.accept();
    EXPECT_EQ(open_descriptors(), open_before + 2) << "the loser is closed";
  });
}

TEST_P(happy_eyeballs_test, waits_for_the_delay_while_the_last_attempt_is_silent) {
  const black_hole silent;
  run([&]() -> task<> {
    listener good = listening();
    connect_options options = slow();
    options.timeout = 20ms;
    result<stream> made = co_await connect_any(list(silent.where(), good.local_address()), options);
    EXPECT_TRUE(!made && made.error().is_timeout());
    result<stream> nobody = co_await with_deadline(0ns, good.accept());
    EXPECT_FALSE(nobody) << "it was tried before its time";
  });
}

TEST_P(happy_eyeballs_test, names_every_address_and_its_failure) {
  run([&]() -> task<> {
    const address one = refused();
    const address other = ip_of("::ffff:0:0", 1);
    result<stream> made = co_await connect_any(list(one, other), slow());
    EXPECT_FALSE(made);
    EXPECT_EQ(made.error(), std::errc::connection_refused);
    const std::string text = made.error().message();
    EXPECT_TRUE(text.starts_with("connect " + one.to_string() + " (Connection refused), ")) << text;
    EXPECT_NE(text.find(other.to_string()), std::string::npos) << text;
  });
}

TEST_P(happy_eyeballs_test, of_one_address_fails_as_a_plain_connect_does) {
  run([&]() -> task<> {
    const address nobody = refused();
    std::vector<address> only{nobody};
    result<stream> made = co_await connect_any(std::move(only), slow());
    EXPECT_FALSE(made);
    EXPECT_EQ(made.error().message(), "connect " + nobody.to_string() + ": Connection refused");
  });
}

TEST_P(happy_eyeballs_test, of_no_address_fails) {
  run([&]() -> task<> {
    result<stream> made = co_await connect_any(std::vector<address>(), slow());
    EXPECT_TRUE(!made && made.error() == std::errc::destination_address_required);
  });
}

TEST_P(happy_eyeballs_test, ends_at_its_deadline_and_says_what_it_waited_for) {
  const black_hole silent;
  run([&]() -> task<> {
    const std::size_t open_before = open_descriptors();
    connect_options options = slow();
    options.timeout = 2ms;
    const address nobody = refused();
    result<stream> made = co_await connect_any(list(nobody, silent.where()), options);
    EXPECT_TRUE(!made && made.error().is_timeout());
    EXPECT_EQ(made.error().endpoint(),
              nobody.to_string() + " (Connection refused), " + silent.where().to_string() + " (no answer)");
    EXPECT_EQ(open_descriptors(), open_before);
  });
}

TEST_P(happy_eyeballs_test, cancelled_leaves_no_descriptor) {
  const black_hole silent;
  run([&]() -> task<> {
    const std::size_t open_before = open_descriptors();
    std::vector<address> many(5, silent.where());
    result<stream> made = co_await with_deadline(20ms, connect_any(std::move(many), quick()));
    EXPECT_TRUE(!made && made.error().is_timeout());
    EXPECT_EQ(open_descriptors(), open_before);
  });
}

TEST_P(happy_eyeballs_test, has_no_more_attempts_under_way_than_allowed) {
  const black_hole silent;
  run([&]() -> task<> {
    connect_options options;
    options.attempt_delay = 0ns;
    options.attempts_max = 3;
    cancellation scope;
    std::size_t most = 0;
    auto connecting = [&]() -> task<> {
      std::vector<address> many(10, silent.where());
      result<stream> made = co_await connect_any(std::move(many), options).under(&scope);
      EXPECT_FALSE(made);
    };
    auto watching = [&]() -> task<> {
      for (int i = 0; i < 30; ++i) {
        co_await turns(1);
        most = std::max(most, on().outstanding());
      }
      scope.request();
    };
    const std::size_t before = on().outstanding();
    co_await when_all(connecting(), watching());
    EXPECT_EQ(most, before + 3);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, happy_eyeballs_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
