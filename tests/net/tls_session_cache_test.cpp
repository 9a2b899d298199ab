// Sessions: resumed where they may be, and nowhere else.
#include "tls_ends.hpp"

#include <optional>

namespace weir::test {
namespace {

class tls_session_cache_test : public tls_test {
 protected:
  /// Connects, says a word each way so that tickets arrive, and closes; whether the session was resumed.
  task<bool> visit(tls_context as_client, tls_context as_server, tls_session_cache* cache,
                   std::string host = "localhost") {
    auto [one, other] = carriers(over());
    tls_ends ends = co_await shake_hands(std::move(one), std::move(other), std::move(as_client),
                                         std::move(as_server), tls_connect_options(std::move(host), cache));
    EXPECT_TRUE(ends.client) << ends.client.error().message();
    EXPECT_TRUE(ends.server) << ends.server.error().message();
    co_await write_text(*ends.server, "word");
    const std::string word = co_await read_text(*ends.client, 4);
    EXPECT_EQ(word, "word");
    EXPECT_EQ(ends.client->is_resumed(), ends.server->is_resumed());
    EXPECT_EQ(ends.client->peer_subject(), "CN=localhost") << "also of a resumed one";
    co_return ends.client->is_resumed();
  }
};

constexpr tls_version all_versions[] = {tls_version::v1_2, tls_version::v1_3};

TEST_P(tls_session_cache_test, makes_the_second_visit_a_resumption) {
  for (const tls_version version : all_versions) {
    const tls_settings settings = plain_settings(version);
    const tls_context client = context_of(settings.client);
    const tls_context server = context_of(settings.server);
    run([&]() -> task<> {
      tls_session_cache cache;
      const bool first = co_await visit(client, server, &cache);
      EXPECT_FALSE(first);
      EXPECT_GE(cache.size(), 1u);
      for (int again = 0; again < 5; ++again) {
        const bool later = co_await visit(client, server, &cache);
        EXPECT_TRUE(later);
      }
      cache.clear();
      const bool forgotten = co_await visit(client, server, &cache);
      EXPECT_FALSE(forgotten);
    });
  }
}

TEST_P(tls_session_cache_test, without_one_every_handshake_is_whole) {
  const tls_settings settings = plain_settings();
  const tls_context client = context_of(settings.client);
  const tls_context server = context_of(settings.server);
  run([&]() -> task<> {
    for (int i = 0; i < 2; ++i) {
      const bool resumed = co_await visit(client, server, nullptr);
      EXPECT_FALSE(resumed);
    }
  });
}

/// What one has verified must not vouch for anybody else.
TEST_P(tls_session_cache_test, gives_nothing_to_another_host_or_context) {
  for (const tls_version version : all_versions) {
    tls_settings settings = plain_settings(version);
    const tls_context client = context_of(settings.client);
    const tls_context server = context_of(settings.server);
    const tls_context another = context_of(settings.client);
    settings.client.verifies_server = false;
    const tls_context careless = context_of(settings.client);
    run([&]() -> task<> {
      tls_session_cache cache;
      co_await visit(careless, server, &cache);
      const bool by_careful = co_await visit(client, server, &cache);
      EXPECT_FALSE(by_careful);
      const bool by_another = co_await visit(another, server, &cache);
      EXPECT_FALSE(by_another);
      const bool at_address = co_await visit(client, server, &cache, "127.0.0.1");
      EXPECT_FALSE(at_address);
    });
  }
}

TEST_P(tls_session_cache_test, of_a_server_that_gives_no_tickets_stays_empty) {
  for (const tls_version version : all_versions) {
    tls_settings settings = plain_settings(version);
    settings.server.gives_tickets = false;
    const tls_context client = context_of(settings.client);
    const tls_context server = context_of(settings.server);
    run([&]() -> task<> {
      tls_session_cache cache;
      for (int i = 0; i < 2; ++i) {
        const bool resumed = co_await visit(client, server, &cache);
        EXPECT_FALSE(resumed);
      }
    });
  }
}

/// The keys of tickets are the context's: a ticket of another is not understood, and no error either.
TEST_P(tls_session_cache_test, of_a_server_that_began_anew_costs_a_whole_handshake) {
  for (const tls_version version : all_versions) {
    const tls_settings settings = plain_settings(version);
    const tls_context client = context_of(settings.client);
    const tls_context before = context_of(settings.server);
    const tls_context after = context_of(settings.server);
    run([&]() -> task<> {
      tls_session_cache cache;
      co_await visit(client, before, &cache);
      const bool resumed = co_await visit(client, after, &cache);
      EXPECT_FALSE(resumed);
    });
  }
}

TEST_P(tls_session_cache_test, keeps_as_many_as_it_was_told_to) {
  const tls_settings settings = plain_settings();
  const tls_context client = context_of(settings.client);
  const tls_context server = context_of(settings.server);
  run([&]() -> task<> {
    tls_session_cache three(3), none(0);
    for (int i = 0; i < 4; ++i) {
      co_await visit(client, server, &none);
      EXPECT_EQ(none.size(), 0u);
      const std::string host = i % 2 ? "localhost" : "127.0.0.1";
      co_await visit(client, server, &three, host);
      EXPECT_LE(three.size(), 3u);
    }
    EXPECT_EQ(three.size(), 3u);
  });
}

TEST_P(tls_session_cache_test, may_die_before_the_streams_that_fill_it) {
  const tls_settings settings = plain_settings();
  run([&]() -> task<> {
    auto cache = std::make_optional<tls_session_cache>();
    auto [one, other] = carriers(over());
    tls_ends ends =
        co_await shake_hands(std::move(one), std::move(other), context_of(settings.client),
                             context_of(settings.server), tls_connect_options("localhost", &*cache));
    cache.reset();
    co_await write_text(*ends.server, "word");
    const std::string word = co_await read_text(*ends.client, 4); // with the tickets
    EXPECT_EQ(word, "word");
  });
}

/// A server that asks for client certificates knows a resumed client by the one of its first visit.
TEST_P(tls_session_cache_test, resumes_with_the_clients_certificate) {
  const credentials authority = workshop().self_signed("authority");
  for (const tls_version version : all_versions) {
    tls_settings settings = plain_settings(version);
    settings.server.asks_client = client_certificate::required;
    settings.server.authorities.push_back(authority.certificate_pem());
    settings.client.identity = workshop().signed_by(authority, "alice").identity();
    const tls_context client = context_of(settings.client);
    const tls_context server = context_of(settings.server);
    run([&]() -> task<> {
      tls_session_cache cache;
      co_await visit(client, server, &cache);
      auto [one, other] = carriers(over());
      tls_ends ends = co_await shake_hands(std::move(one), std::move(other), client, server,
                                           tls_connect_options("localhost", &cache));
      EXPECT_TRUE(ends.server->is_resumed());
      EXPECT_EQ(ends.server->peer_subject(), "CN=alice");
    });
  }
}

INSTANTIATE_TEST_SUITE_P(backends, tls_session_cache_test, over_tls_tcp(), name_of_both<carrier>);

} // namespace
} // namespace weir::test
