// One question for many lookups: the cache, those under way, the bound, and cancellation in every state.
#include "resolver_rig.hpp"

#include <net/resolver_cache.hpp>

namespace weir::test {
namespace {

shared_answer answer_with(std::size_t addresses) {
  auto answer = std::make_shared<name_answer>();
  answer->addresses.assign(addresses, *address::ip("10.0.0.1", 0));
  return answer;
}

TEST(resolver_cache_test, keeps_an_answer_until_its_time) {
  resolver_cache cache(10, 100'000);
  cache.keep("a", answer_with(1), 100);
  EXPECT_TRUE(cache.find("a", 99));
  EXPECT_FALSE(cache.find("b", 99));
  EXPECT_FALSE(cache.find("a", 100));
  EXPECT_EQ(cache.entries(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(resolver_cache_test, of_too_many_the_least_recently_used_leaves) {
  resolver_cache cache(2, 100'000);
  cache.keep("a", answer_with(1), 100);
  cache.keep("b", answer_with(1), 100);
  EXPECT_TRUE(cache.find("a", 0));
  cache.keep("c", answer_with(1), 100);
  EXPECT_TRUE(cache.find("a", 0));
  EXPECT_FALSE(cache.find("b", 0));
  EXPECT_TRUE(cache.find("c", 0));
}

TEST(resolver_cache_test, is_bounded_in_bytes_too) {
  resolver_cache cache(1000, 20'000);
  for (int i = 0; i < 100; ++i) cache.keep(std::to_string(i), answer_with(10), 100);
  EXPECT_LE(cache.bytes(), 20'000u);
  EXPECT_GT(cache.entries(), 5u);
  EXPECT_TRUE(cache.find("99", 0));
  cache.keep("huge", answer_with(1000), 100);
  EXPECT_FALSE(cache.find("huge", 0)) << "it alone is beyond the bound";
  EXPECT_TRUE(cache.find("99", 0)) << "and drives nobody out";
}

TEST(resolver_cache_test, replaces_an_answer) {
  resolver_cache cache(10, 100'000);
  cache.keep("a", answer_with(1), 100);
  cache.keep("a", answer_with(2), 200);
  EXPECT_EQ(cache.find("a", 150)->addresses.size(), 2u);
  EXPECT_EQ(cache.entries(), 1u);
}

class resolver_sharing : public resolver_rig {
 protected:
  static task<result<std::vector<address>>> ask(resolver& names, std::string host = "example.org") {
    return names.resolve(std::move(host), 1, ip_family::v4);
  }
  void SetUp() override {
    backend_test::SetUp();
    held_.emplace(silence);
  }
  /// A server that collects questions until the test answers them.
  std::optional<dns_server> held_;
  /// Until so many questions have come to it.
  task<> came(std::size_t count) {
    return until([this, count] { return held_->queries.size() >= count; });
  }
  void answer(std::size_t index) {
    held_->answer(held_->queries[index], two_families(held_->queries[index]));
  }
  void TearDown() override {
    held_.reset();
    backend_test::TearDown();
  }
};

TEST_P(resolver_sharing, an_answer_is_kept) {
  dns_server server(two_families);
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    for (const char* each : {"example.org", "EXAMPLE.org", "example.org"}) {
      const auto found = co_await ask(names, each);
      EXPECT_EQ(text_of(found), "10.0.0.1:1");
    }
    EXPECT_EQ(server.queries.size(), 1u);
    EXPECT_EQ(names.counters().from_cache, 2u);
    EXPECT_EQ(names.counters().questions, 1u);
  });
}

TEST_P(resolver_sharing, an_answer_for_this_moment_only_is_not_kept) {
  std::uint32_t alias_ttl = 0;
  std::uint32_t address_ttl = 300;
  dns_server server([&](const dns_query& query) {
    return dns_reply(query).alias("b.example", alias_ttl).address("10.0.0.1", address_ttl);
  });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    co_await ask(names);
    std::swap(alias_ttl, address_ttl);
    co_await ask(names);
    co_await ask(names);
    EXPECT_EQ(server.queries.size(), 3u) << "the shortest life of the chain counts";
  });
}

TEST_P(resolver_sharing, a_no_is_kept_shortly) {
  dns_server server(
      [](const dns_query& query) { return dns_reply(query, query.name == "none.example" ? 3 : 0); });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    for (const char* each : {"none.example", "none.example", "empty.example", "empty.example"}) {
      const auto found = co_await ask(names, each);
      EXPECT_TRUE(!found && found.error().endpoint() == each);
    }
    EXPECT_EQ(server.queries.size(), 2u);
    resolver_options options = options_for(server);
    options.negative_ttl = 0s;
    resolver forgetful = co_await opened(options);
    co_await ask(forgetful, "none.example");
    co_await ask(forgetful, "none.example");
    EXPECT_EQ(server.queries.size(), 4u);
  });
}

TEST_P(resolver_sharing, a_failure_is_not_kept) {
  bool is_well = false;
  dns_server server([&](const dns_query& query) -> std::optional<std::string> {
    if (!is_well) return dns_reply(query, 2);
    return two_families(query);
  });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const auto before = co_await ask(names);
    EXPECT_FALSE(before);
    is_well = true;
    const auto after = co_await ask(names);
    EXPECT_EQ(text_of(after), "10.0.0.1:1");
  });
}

TEST_P(resolver_sharing, equal_questions_are_asked_once) {
  run_with(*held_, [&]() -> task<> {
    resolver names = co_await opened(*held_);
    std::vector<task<result<std::vector<address>>>> lookups;
    for (int i = 0; i < 10; ++i) lookups.push_back(ask(names, i % 2 == 0 ? "example.org" : "Example.ORG"));
    auto answering = [&]() -> task<> {
      co_await came(1);
      co_await turns(3);
      answer(0);
    };
    auto [all, done] = co_await when_all(when_all(std::move(lookups)), answering());
    for (const auto& each : all) EXPECT_EQ(text_of(each), "10.0.0.1:1");
    EXPECT_EQ(held_->queries.size(), 1u);
    EXPECT_EQ(names.counters().joined, 9u);
  });
}

TEST_P(resolver_sharing, so_many_are_under_way_and_the_others_wait_in_line) {
  run_with(*held_, [&]() -> task<> {
    resolver_options options = options_for(*held_);
    options.queries_max = 2;
    resolver names = co_await opened(options);
    std::vector<task<result<std::vector<address>>>> lookups;
    for (int i = 0; i < 5; ++i) lookups.push_back(ask(names, "name" + std::to_string(i) + ".example"));
    auto answering = [&]() -> task<> {
      for (std::size_t i = 0; i < 5; ++i) {
        co_await came(std::min<std::size_t>(i + 2, 5));
        co_await turns(2);
        EXPECT_LE(held_->queries.size(), i + 2);
        EXPECT_EQ(names.queries_in_flight(), std::min<std::size_t>(2, 5 - i));
        EXPECT_EQ(names.queries_waiting(), i < 3 ? 3 - i : 0);
        answer(i);
      }
    };
    auto [all, done] = co_await when_all(when_all(std::move(lookups)), answering());
    for (const auto& each : all) EXPECT_EQ(text_of(each), "10.0.0.1:1");
    for (std::size_t i = 0; i < 5; ++i)
      EXPECT_EQ(held_->queries[i].name, "name" + std::to_string(i) + ".example");
  });
}

TEST_P(resolver_sharing, cancelled_in_line_it_is_never_asked) {
  run_with(*held_, [&]() -> task<> {
    resolver_options options = options_for(*held_);
    options.queries_max = 1;
    resolver names = co_await opened(options);
    auto late = [&]() -> task<> {
      co_await came(1);
      const auto none = co_await with_deadline(1ms, ask(names, "second.example"));
      EXPECT_TRUE(!none && none.error().is_timeout());
      EXPECT_EQ(names.queries_waiting(), 0u);
      answer(0);
    };
    auto [found, done] = co_await when_all(ask(names), late());
    EXPECT_EQ(text_of(found), "10.0.0.1:1");
    co_await turns(3);
    EXPECT_EQ(held_->queries.size(), 1u);
  });
}

TEST_P(resolver_sharing, cancelled_under_way_it_ends_at_once_and_its_answer_is_kept) {
  run_with(*held_, [&]() -> task<> {
    resolver names = co_await opened(*held_);
    const auto none = co_await with_deadline(1ms, ask(names));
    EXPECT_TRUE(!none && none.error().is_timeout());
    co_await came(1);
    EXPECT_EQ(names.queries_in_flight(), 1u);
    answer(0);
    co_await until([&] { return names.queries_in_flight() == 0; });
    const auto found = co_await ask(names);
    EXPECT_EQ(text_of(found), "10.0.0.1:1");
    EXPECT_EQ(held_->queries.size(), 1u);
  });
}

TEST_P(resolver_sharing, one_that_is_cancelled_leaves_the_others_their_answer) {
  run_with(*held_, [&]() -> task<> {
    resolver names = co_await opened(*held_);
    auto answering = [&]() -> task<> {
      co_await came(1);
      co_await turns(2);
      answer(0);
    };
    auto [found, none, done] = co_await when_all(ask(names), with_deadline(0ns, ask(names)), answering());
    EXPECT_EQ(text_of(found), "10.0.0.1:1");
    EXPECT_FALSE(none);
  });
}

TEST_P(resolver_sharing, in_a_scope_that_has_ended_nothing_is_asked) {
  run_with(*held_, [&]() -> task<> {
    resolver names = co_await opened(*held_);
    cancellation ended;
    ended.request();
    const auto none = co_await ask(names).under(&ended);
    EXPECT_TRUE(!none && none.error().is_cancelled());
    EXPECT_EQ(names.queries_in_flight() + names.queries_waiting(), 0u);
  });
}

TEST_P(resolver_sharing, gone_it_ends_those_who_wait) {
  run_with(*held_, [&]() -> task<> {
    resolver_options options = options_for(*held_);
    options.queries_max = 1;
    std::optional<resolver> names = co_await opened(options);
    auto closing = [&]() -> task<> {
      co_await came(1);
      names.reset();
    };
    auto [first, second, third, done] =
        co_await when_all(ask(*names), ask(*names), ask(*names, "other.example"), closing());
    EXPECT_TRUE(!first && first.error() == errc::closed);
    EXPECT_TRUE(!second && second.error() == errc::closed);
    EXPECT_TRUE(!third && third.error() == errc::closed);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, resolver_sharing, on_each_real_backend(), name_of_backend);

} // namespace
} // namespace weir::test
