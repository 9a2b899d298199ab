// Which certificate a server shows, by the name that a client asks for.
#include "tls_peers.hpp"

#include <weir/net/tls_error.hpp>

#include <net/tls_hosts.hpp>

namespace weir::test {
namespace {

credentials host_of(const std::string& name, const std::string& alternative = "") {
  return workshop().self_signed(name, "DNS:" + (alternative.empty() ? name : alternative));
}
tls_context context_of_host(const std::string& name, const std::string& alternative = "") {
  return context_of(tls_server_options(host_of(name, alternative).identity()));
}
tls_context checked_context(result<tls_context> made) {
  EXPECT_TRUE(made) << made.error().message();
  return made.value_or(tls_context());
}

/// one.example, *.two.example, and the rest.
tls_context three_hosts() {
  std::vector<tls_host> hosts;
  hosts.emplace_back("One.Example", context_of_host("one.example"));
  hosts.emplace_back("*.two.example", context_of_host("wild", "*.two.example"));
  return checked_context(tls_context::by_name(std::move(hosts), context_of_host("rest")));
}

class tls_hosts_test : public tls_test {
 protected:
  /// As a client that verifies nothing and asks for `name`; the subject that it is shown, or the error.
  task<std::string> shown(tls_context server, std::string name, tls_version version = tls_version::v1_3) {
    tls_client_options trusting;
    trusting.verifies_server = false;
    trusting.version_max = version;
    auto [here, there] = carriers(over());
    tls_ends ends = co_await shake_hands(std::move(here), std::move(there), context_of(trusting),
                                         std::move(server), tls_connect_options(name));
    EXPECT_EQ(ends.client.has_value(), ends.server.has_value());
    if (!ends.client) co_return ends.client.error().message();
    if (!name.empty() && ends.server) {
      EXPECT_EQ(ends.server->server_name(), name);
    }
    co_return ends.client->peer_subject();
  }
};

TEST_P(tls_hosts_test, each_name_has_its_certificate_and_the_others_the_last) {
  run([&]() -> task<> {
    const tls_context server = three_hosts();
    for (const tls_version version : {tls_version::v1_2, tls_version::v1_3}) {
      const std::string one = co_await shown(server, "one.example", version);
      const std::string in_capitals = co_await shown(server, "ONE.EXAMPLE", version);
      const std::string wild = co_await shown(server, "any.two.example", version);
      const std::string deeper = co_await shown(server, "a.b.two.example", version);
      const std::string bare = co_await shown(server, "two.example", version);
      const std::string unnamed = co_await shown(server, "", version);
      EXPECT_EQ(one, "CN=one.example");
      EXPECT_EQ(in_capitals, "CN=one.example");
      EXPECT_EQ(wild, "CN=wild");
      EXPECT_EQ(deeper, "CN=rest");
      EXPECT_EQ(bare, "CN=rest");
      EXPECT_EQ(unnamed, "CN=rest");
    }
  });
}

TEST_P(tls_hosts_test, a_name_that_nobody_has_is_refused_and_both_sides_say_so) {
  run([&]() -> task<> {
    std::vector<tls_host> hosts;
    hosts.emplace_back("one.example", context_of_host("one.example"));
    const tls_context server = checked_context(tls_context::by_name(std::move(hosts)));
    tls_client_options trusting;
    trusting.verifies_server = false;
    for (const char* name : {"other.example", ""}) {
      auto [here, there] = carriers(over());
      tls_ends ends = co_await shake_hands(std::move(here), std::move(there), context_of(trusting), server,
                                           tls_connect_options(name));
      EXPECT_FALSE(ends.client);
      EXPECT_FALSE(ends.server);
      if (!ends.client) {
        EXPECT_EQ(ends.client.error(), tls_errc::alert_unrecognized_name) << ends.client.error().message();
      }
      if (!ends.server) {
        EXPECT_EQ(ends.server.error(), tls_errc::alert_unrecognized_name) << ends.server.error().message();
      }
    }
  });
}

TEST_P(tls_hosts_test, a_function_may_choose_and_make_contexts_as_it_goes) {
  run([&]() -> task<> {
    std::vector<std::string> asked;
    const tls_context server = checked_context(tls_context::by_choice([&](std::string_view name) {
      asked.emplace_back(name);
      return name == "gone.example" ? tls_context()
                                    : context_of_host("made.up"); // held by the connection alone
    }));
    const std::string made = co_await shown(server, "Anything.Example");
    const std::string refused = co_await shown(server, "gone.example");
    EXPECT_EQ(made, "CN=made.up");
    EXPECT_NE(refused.find("unrecognized name"), std::string::npos) << refused;
    EXPECT_EQ(asked, (std::vector<std::string>{"anything.example", "gone.example"}));
  });
}

TEST_P(tls_hosts_test, protocols_versions_and_client_certificates_are_those_of_the_host) {
  run([&]() -> task<> {
    tls_server_options old(host_of("old.example").identity());
    old.version_max = tls_version::v1_2;
    old.protocols = {"http/1.1"};
    tls_server_options strict(host_of("strict.example").identity());
    strict.asks_client = client_certificate::required;
    strict.authorities = {workshop().self_signed("alice_alone").certificate_pem()};
    strict.protocols = {"h2"};
    std::vector<tls_host> hosts;
    hosts.emplace_back("old.example", context_of(old));
    hosts.emplace_back("strict.example", context_of(strict));
    const tls_context server = checked_context(tls_context::by_name(std::move(hosts)));
    tls_client_options alice;
    alice.verifies_server = false;
    alice.identity = workshop().self_signed("alice_alone").identity();
    alice.protocols = {"h2", "http/1.1"};
    tls_client_options nobody;
    nobody.verifies_server = false;

    auto [here, there] = carriers(over());
    tls_ends ends = co_await shake_hands(std::move(here), std::move(there), context_of(alice), server,
                                         tls_connect_options("old.example"));
    EXPECT_TRUE(ends.client && ends.server);
    if (ends.client) {
      EXPECT_EQ(ends.client->version(), "TLSv1.2");
      EXPECT_EQ(ends.client->protocol(), "http/1.1");
    }
    auto [here2, there2] = carriers(over());
    ends = co_await shake_hands(std::move(here2), std::move(there2), context_of(alice), server,
                                tls_connect_options("strict.example"));
    EXPECT_TRUE(ends.client && ends.server);
    if (ends.server) {
      EXPECT_EQ(ends.server->protocol(), "h2");
      EXPECT_EQ(ends.server->peer_subject(), "CN=alice_alone");
    }
    auto [here3, there3] = carriers(over());
    ends = co_await shake_hands(std::move(here3), std::move(there3), context_of(nobody), server,
                                tls_connect_options("strict.example"));
    EXPECT_FALSE(ends.server) << "served without a certificate";
  });
}

/// A session that was made under the one host must not pass by what the other asks of its clients.
TEST_P(tls_hosts_test, sessions_are_resumed_under_their_own_host_only) {
  run([&]() -> task<> {
    const tls_context server = three_hosts();
    for (const tls_version version : {tls_version::v1_2, tls_version::v1_3}) {
      tls_client_options trusting;
      trusting.verifies_server = false;
      trusting.version_max = version;
      const tls_context client = context_of(trusting);
      tls_session_cache cache;
      std::vector<bool> resumed;
      for (const char* name : {"one.example", "one.example", "x.two.example", "one.example"}) {
        auto [here, there] = carriers(over());
        tls_ends ends = co_await shake_hands(std::move(here), std::move(there), client, server,
                                             tls_connect_options(name, &cache));
        EXPECT_TRUE(ends.client && ends.server);
        if (!ends.client || !ends.server) co_return;
        resumed.push_back(ends.server->is_resumed());
        co_await write_text(*ends.server, "."); // tickets come with the first bytes
        const std::string text = co_await read_text(*ends.client, 1);
        EXPECT_EQ(text, ".");
      }
      EXPECT_EQ(resumed, (std::vector<bool>{false, true, false, true}));
    }
  });
}

TEST_P(tls_hosts_test, the_dot_of_the_root_is_no_part_of_the_name) {
  run([&]() -> task<> {
    tls_settings settings = plain_settings();
    settings.connect = tls_connect_options("localhost.");
    tls_ends ends = co_await connected(std::move(settings));
    if (ends.server) {
      EXPECT_EQ(ends.server->server_name(), "localhost");
    }
  });
}

INSTANTIATE_TEST_SUITE_P(carriers, tls_hosts_test, over_tls_tcp(), name_of_both<carrier>);

class tls_hosts_interop : public backend_test {
 protected:
  /// What `openssl s_client` is shown.
  static task<std::string> shown_to_s_client(listener& door, tls_context server,
                                             std::vector<std::string> options) {
    std::vector<std::string> all{"s_client", "-brief", "-connect", door.local_address().to_string()};
    all.insert(all.end(), options.begin(), options.end());
    peer_program s_client("openssl", all);
    auto serve = [&]() -> task<> {
      result<stream> accepted = co_await door.accept();
      EXPECT_TRUE(accepted);
      if (!accepted) co_return;
      result<tls_stream> client = co_await tls_stream::accept(std::move(*accepted), server);
      EXPECT_TRUE(client) << client.error().message();
      if (client) (void)co_await client->close();
    };
    auto [served, said] = co_await when_all(serve(), s_client.complained("Verification"));
    co_return said;
  }
};

TEST_P(tls_hosts_interop, s_client_is_shown_the_certificate_of_the_name_that_it_asks_for) {
  run([&]() -> task<> {
    result<listener> door = listener::bind(*address::ip("127.0.0.1", 0));
    EXPECT_TRUE(door);
    const tls_context server = three_hosts();
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
      const std::vector<std::string> ask_one{version, "-servername", "one.example"};
      const std::vector<std::string> ask_wild{version, "-servername", "w.two.example"};
      const std::vector<std::string> ask_none{version, "-noservername"};
      const std::string one = co_await shown_to_s_client(*door, server, ask_one);
      const std::string wild = co_await shown_to_s_client(*door, server, ask_wild);
      const std::string none = co_await shown_to_s_client(*door, server, ask_none);
      EXPECT_NE(one.find("CN = one.example"), std::string::npos) << one;
      EXPECT_NE(wild.find("CN = wild"), std::string::npos) << wild;
      EXPECT_NE(none.find("CN = rest"), std::string::npos) << none;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(backends, tls_hosts_interop, on_each_real_backend(), name_of_backend);

// --- names without a connection ---

std::string hello_with(std::string_view name) {
  const auto two = [](std::size_t number) {
    return std::string{static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
  };
  return two(name.size() + 3) + '\0' + two(name.size()) + std::string(name);
}

TEST(tls_server_name, is_read_whole_or_not_at_all) {
  EXPECT_EQ(server_name_of(hello_with("One.Example.")), "one.example");
  EXPECT_EQ(server_name_of(hello_with("")), "");
  const std::string whole = hello_with("one.example");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(server_name_of(std::string_view(whole).substr(0, size)), "") << size;
  EXPECT_EQ(server_name_of(whole + "x"), "");
  EXPECT_EQ(server_name_of(hello_with(std::string(256, 'a'))), "");
  EXPECT_EQ(server_name_of(hello_with(std::string_view("a\0b", 3))), "");
  std::string another_kind = whole;
  another_kind[2] = 1;
  EXPECT_EQ(server_name_of(another_kind), "");
}

TEST(tls_hosts_of_a_server, refuse_what_is_no_name_or_comes_twice) {
  const tls_context some = context_of_host("one.example");
  for (const char* name : {"", "*", "*.", ".example", "a..b", "a.*.example", "*.*.example", "**.example"}) {
    const auto made = tls_context::by_name({tls_host(name, some)});
    EXPECT_FALSE(made) << name;
  }
  EXPECT_FALSE(tls_context::by_name({tls_host("one.example", some), tls_host("ONE.example.", some)}));
  EXPECT_FALSE(tls_context::by_name({tls_host("one.example", tls_context())}));
  EXPECT_FALSE(tls_context::by_name({tls_host("one.example", context_of(tls_client_options()))}));
  const tls_context above = checked_context(tls_context::by_name({}, some));
  EXPECT_FALSE(tls_context::by_name({tls_host("one.example", above)})) << "one choice below another";
  EXPECT_FALSE(tls_context::by_name({}, above));
  EXPECT_FALSE(tls_context::by_choice(nullptr));
}

} // namespace
} // namespace weir::test
