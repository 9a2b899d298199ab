// Who is let in and who is not: certificates, host names, versions, protocols; and handshakes that never end.
#include "tls_ends.hpp"

#include <support/descriptors.hpp>

#include <optional>
#include <vector>

namespace weir::test {
namespace {

using tls_handshake = tls_test;
using tls_handshake_tcp = tls_test;

constexpr tls_version each_version[] = {tls_version::v1_2, tls_version::v1_3};

/// A server with `own`, and a client that trusts `authority`.
tls_settings settings_of(const credentials& own, const credentials& authority) {
  tls_settings made(tls_client_options(), tls_server_options(own.identity()));
  made.client.authorities.push_back(authority.certificate_pem());
  return made;
}

credentials authority() {
  return workshop().self_signed("authority");
}

TEST_P(tls_handshake, of_a_certificate_that_an_authority_signed_succeeds) {
  run([&]() -> task<> {
    tls_ends ends = co_await connected(settings_of(workshop().signed_by(authority(), "server"), authority()));
    EXPECT_EQ(ends.client->peer_subject(), "CN=server");
    EXPECT_FALSE(ends.client->peer_certificate().empty());
    EXPECT_EQ(ends.server->peer_subject(), "");
    EXPECT_TRUE(ends.server->peer_certificate().empty());
    EXPECT_FALSE(ends.client->is_resumed());
    EXPECT_NE(ends.client->cipher(), "");
  });
}

TEST_P(tls_handshake, of_a_certificate_below_an_intermediate_succeeds) {
  const credentials intermediate = workshop().intermediate_of(authority(), "intermediate");
  const credentials leaf = workshop().signed_by(intermediate, "leaf");
  const tls_pem chain = tls_pem::text(content_of(leaf.certificate) + content_of(intermediate.certificate));
  tls_settings with_chain(tls_client_options(),
                          tls_server_options(tls_identity(chain, tls_pem::file(leaf.key))));
  with_chain.client.authorities.push_back(authority().certificate_pem());
  run([&]() -> task<> {
    tls_ends ends = co_await connected(with_chain);
    EXPECT_EQ(ends.client->peer_subject(), "CN=leaf");
    tls_ends without = co_await attempt(settings_of(leaf, authority()));
    EXPECT_EQ(without.client.error(), tls_errc::unknown_issuer);
  });
}

TEST_P(tls_handshake, that_cannot_be_trusted_says_why_and_tells_the_server) {
  struct refusal {
    tls_settings settings;
    tls_errc why;
    const char* text;
  };
  const credentials server = workshop().signed_by(authority(), "server");
  const credentials elsewhere = workshop().signed_by(authority(), "elsewhere", 2, "DNS:example.org");
  const credentials expired = workshop().signed_by(authority(), "expired", -1);
  std::vector<refusal> refusals{
      {settings_of(workshop().self_signed("nobody"), authority()), tls_errc::self_signed_certificate,
       "certificate verify failed: self-signed certificate"},
      {settings_of(server, workshop().self_signed("nobody")), tls_errc::unknown_issuer,
       "certificate verify failed: unable to get local issuer certificate"},
      {settings_of(expired, authority()), tls_errc::certificate_expired,
       "certificate verify failed: certificate has expired"},
      {settings_of(elsewhere, authority()), tls_errc::host_mismatch,
       "certificate verify failed: hostname mismatch"},
      {settings_of(elsewhere, authority()), tls_errc::address_mismatch,
       "certificate verify failed: IP address mismatch"},
  };
  refusals.back().settings.connect = tls_connect_options("127.0.0.1");
  for (const refusal& each : refusals)
    run([&]() -> task<> {
      tls_ends ends = co_await attempt(each.settings);
      EXPECT_EQ(ends.client.error(), each.why) << ends.client.error().message();
      EXPECT_TRUE(ends.client.error().message().ends_with(each.text)) << ends.client.error().message();
      EXPECT_TRUE(ends.client.error().message().starts_with("tls handshake " + each.settings.connect.host));
      // What the server sees is the client's alert: in TLS 1.3 with the first thing it reads.
      EXPECT_FALSE(ends.server) << each.text;
      EXPECT_EQ(ends.server.error().code().category(), openssl_category()) << ends.server.error().message();

      tls_settings careless = each.settings;
      careless.client.verifies_server = false;
      tls_ends unverified = co_await attempt(careless);
      EXPECT_TRUE(unverified.client && unverified.server) << each.text;
    });
}

TEST_P(tls_handshake, names_may_be_addresses) {
  tls_settings settings = settings_of(workshop().signed_by(authority(), "server"), authority());
  run([&]() -> task<> {
    for (const char* host : {"127.0.0.1", "::1", "localhost"}) {
      settings.connect = tls_connect_options(host);
      tls_ends ends = co_await connected(settings);
      EXPECT_EQ(ends.server->server_name(), std::string_view(host) == "localhost" ? "localhost" : "");
    }
  });
}

TEST_P(tls_handshake, of_a_client_that_verifies_needs_a_name) {
  tls_settings settings = plain_settings();
  settings.connect = tls_connect_options("");
  run([&]() -> task<> {
    tls_ends ends = co_await attempt(settings);
    EXPECT_EQ(ends.client.error(), errc::invalid_argument);
    EXPECT_EQ(ends.server.error(), tls_errc::truncated);
  });
}

TEST_P(tls_handshake, asks_for_client_certificates_as_it_is_told_to) {
  const credentials alice = workshop().signed_by(authority(), "alice");
  const credentials stranger = workshop().self_signed("nobody");
  run([&]() -> task<> {
    for (const tls_version version : each_version) {
      for (const client_certificate asks :
           {client_certificate::none, client_certificate::optional, client_certificate::required}) {
        tls_settings settings = plain_settings(version);
        settings.server.asks_client = asks;
        settings.server.authorities.push_back(authority().certificate_pem());

        tls_ends without = co_await attempt(settings);
        EXPECT_EQ(without.server.has_value(), asks != client_certificate::required);

        settings.client.identity = alice.identity();
        tls_ends with = co_await connected(settings);
        EXPECT_EQ(with.server->peer_subject(), asks == client_certificate::none ? "" : "CN=alice");

        settings.client.identity = stranger.identity();
        tls_ends bad = co_await attempt(settings);
        EXPECT_EQ(bad.server.has_value(), asks == client_certificate::none);
        if (!bad.server) {
          EXPECT_EQ(bad.server.error(), tls_errc::self_signed_certificate) << bad.server.error().message();
        }
      }
    }
  });
}

/// In TLS 1.3 the client is done before the server has looked at its certificate.
TEST_P(tls_handshake, that_lacks_a_client_certificate_is_refused_at_the_clients_first_read) {
  tls_settings settings = plain_settings();
  settings.server.asks_client = client_certificate::required;
  settings.server.authorities.push_back(authority().certificate_pem());
  run([&]() -> task<> {
    tls_ends ends = co_await attempt(settings);
    EXPECT_TRUE(ends.client);
    result<lease> refused = co_await ends.client->read();
    EXPECT_EQ(refused.error(), tls_errc::alert_certificate_required) << refused.error().message();
  });
}

TEST_P(tls_handshake, chooses_a_protocol_by_the_servers_preference) {
  struct choice {
    std::vector<std::string> client;
    std::vector<std::string> server;
    std::optional<std::string> chosen; ///< nothing: refused
  };
  const std::vector<choice> choices{
      {{"http/1.1", "h2"}, {"h2", "http/1.1"}, "h2"},
      {{"h2"}, {"http/1.1", "h2"}, "h2"},
      {{}, {"h2"}, ""},
      {{"h2"}, {}, ""},
      {{"h2"}, {"zmtp"}, std::nullopt},
  };
  run([&]() -> task<> {
    for (const tls_version version : each_version)
      for (const choice& each : choices) {
        tls_settings settings = plain_settings(version);
        settings.client.protocols = each.client;
        settings.server.protocols = each.server;
        tls_ends ends = co_await attempt(settings);
        EXPECT_EQ(ends.client.has_value(), each.chosen.has_value());
        if (each.chosen) {
          EXPECT_EQ(ends.client->protocol(), *each.chosen);
          EXPECT_EQ(ends.server->protocol(), *each.chosen);
        } else {
          EXPECT_EQ(ends.client.error(), tls_errc::alert_no_application_protocol);
          EXPECT_TRUE(ends.server.error().message().ends_with("no application protocol"));
        }
      }
  });
}

TEST_P(tls_handshake, of_versions_that_do_not_meet_fails) {
  run([&]() -> task<> {
    tls_settings settings = plain_settings(tls_version::v1_2);
    settings.server.version_min = tls_version::v1_3;
    tls_ends ends = co_await attempt(settings);
    EXPECT_FALSE(ends.client);
    EXPECT_TRUE(ends.server.error().message().ends_with("unsupported protocol"))
        << ends.server.error().message();
  });
}

TEST_P(tls_handshake, with_a_context_of_the_other_side_is_refused) {
  run([&]() -> task<> {
    const tls_settings settings = plain_settings();
    auto [one, other] = carriers(over());
    tls_ends swapped = co_await shake_hands(std::move(one), std::move(other), context_of(settings.server),
                                            context_of(settings.client));
    EXPECT_EQ(swapped.client.error(), errc::invalid_argument);
    EXPECT_EQ(swapped.server.error(), errc::invalid_argument);
  });
}

TEST_P(tls_handshake, with_a_peer_that_speaks_no_tls_fails) {
  run([&]() -> task<> {
    const tls_settings settings = plain_settings();
    auto [one, other] = carriers(over());
    auto speak = [&]() -> task<> {
      for (std::string_view text = "HTTP/1.1 400 Bad Request\r\n\r\n"; !text.empty();) {
        result<std::size_t> count = co_await other.write(bytes_of(text));
        text.remove_prefix(count.value_or(text.size()));
      }
    };
    auto [connected, spoken] = co_await when_all(
        tls_stream::connect(std::move(one), context_of(settings.client), tls_connect_options("localhost")),
        speak());
    EXPECT_TRUE(connected.error().message().ends_with("wrong version number")) << connected.error().message();
  });
}

TEST_P(tls_handshake, with_a_silent_peer_ends_at_its_deadline_and_closes_the_carrier) {
  run([&]() -> task<> {
    const tls_settings settings = plain_settings();
    for (const bool as_client : {true, false}) {
      auto [one, other] = carriers(over());
      result<tls_stream> made;
      if (as_client) {
        made = co_await with_deadline(5ms, tls_stream::connect(std::move(one), context_of(settings.client),
                                                               tls_connect_options("localhost")));
      } else {
        made = co_await with_deadline(5ms, tls_stream::accept(std::move(one), context_of(settings.server)));
      }
      EXPECT_TRUE(made.error().is_timeout());
      bool goes_on = true;
      while (goes_on) { // what the client has said, then the end
        result<lease> piece = co_await other.read();
        goes_on = piece && !piece->empty();
      }
    }
  });
}

/// Whatever is lost, nobody takes a part for the whole, waits for ever or leaks.
TEST_P(tls_handshake_tcp, cut_off_after_any_number_of_bytes_is_an_error_on_both_sides) {
  for (const tls_version version : each_version) {
    const tls_settings settings = plain_settings(version);
    const tls_context as_client = context_of(settings.client);
    const tls_context as_server = context_of(settings.server);
    run([&]() -> task<> {
      for (std::size_t cut_after = 0; cut_after < 1500; cut_after += 1 + cut_after / 16) {
        memory_stream::limits bounds;
        bounds.cut_after_bytes = cut_after;
        auto [one, other] = memory_stream::pair(bounds);
        tls_ends ends = co_await shake_hands(std::move(one), std::move(other), as_client, as_server);
        const bool is_long_enough = ends.client && ends.server;
        if (!is_long_enough) {
          const error& why = ends.client ? ends.server.error() : ends.client.error();
          EXPECT_EQ(why, tls_errc::truncated) << why.message();
          continue;
        }
        EXPECT_GT(cut_after, 300u);
        *ends.server = tls_stream();
        const ending end = co_await read_to_ending(*ends.client);
        EXPECT_TRUE(end.why && *end.why == tls_errc::truncated);
      }
    });
  }
}

/// Wherever it is, a handshake that is cancelled ends, and takes its carrier with it.
TEST_P(tls_handshake, cancelled_at_every_step_leaves_nothing) {
  const tls_settings settings = plain_settings();
  const tls_context as_client = context_of(settings.client);
  const tls_context as_server = context_of(settings.server);
  for (int step = 0; step < 12; ++step)
    run([&]() -> task<> {
      auto [one, other] = carriers(over());
      cancellation scope;
      std::optional<tls_ends> ends;
      auto shake = [&]() -> task<> {
        ends = co_await shake_hands(std::move(one), std::move(other), as_client, as_server).under(&scope);
      };
      auto cancel = [&]() -> task<> {
        co_await turns(step);
        scope.request();
      };
      co_await when_all(shake(), cancel());
      if (!ends->client) {
        EXPECT_TRUE(ends->client.error().is_cancelled() || ends->client.error() == tls_errc::truncated)
            << ends->client.error().message();
      }
    });
}

INSTANTIATE_TEST_SUITE_P(backends, tls_handshake, over_each_carrier(), name_of_both<carrier>);
INSTANTIATE_TEST_SUITE_P(backends, tls_handshake_tcp, over_tls_tcp(), name_of_both<carrier>);

} // namespace
} // namespace weir::test
