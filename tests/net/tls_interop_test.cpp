// TLS with others: `openssl s_client`, `openssl s_server` and curl, in both roles and both versions, directly
// and over a path on which every byte is a segment of its own.
#include "tls_peers.hpp"

#include <filesystem>
#include <fstream>

namespace weir::test {
namespace {

const char* version_option(tls_version version) {
  return version == tls_version::v1_2 ? "-tls1_2" : "-tls1_3";
}

class tls_interop : public backend_test {
 protected:
  const credentials own_ = workshop().self_signed("localhost");
  const tls_context server_ = context_of(tls_server_options(own_.identity()));

  static listener open_door() {
    result<listener> door = listener::bind(*address::ip("127.0.0.1", 0));
    EXPECT_TRUE(door);
    return std::move(*door);
  }
  tls_context client(tls_version version) const { return context_of(plain_settings(version).client); }

  static task<result<tls_stream>> accept_one(listener& door, tls_context as) {
    result<stream> accepted = co_await door.accept();
    if (!accepted) co_return fail(accepted.error());
    co_return co_await tls_stream::accept(std::move(*accepted), std::move(as));
  }
  static task<result<tls_stream>> connect_to(address to, tls_context as, tls_session_cache* cache = nullptr) {
    result<stream> connected = co_await stream::connect(to);
    if (!connected) co_return fail(connected.error());
    co_return co_await tls_stream::connect(std::move(*connected), std::move(as),
                                           tls_connect_options("localhost", cache));
  }

  /// Says back what it hears until its peer says good-bye.
  static task<std::optional<error>> echo(tls_stream peer) {
    for (;;) {
      result<lease> piece = co_await peer.read();
      if (!piece) co_return piece.error();
      if (piece->empty()) break;
      co_await write_text(peer, text_of(*piece));
    }
    result<> closed = co_await peer.close();
    if (!closed) co_return closed.error();
    co_return std::nullopt;
  }
  task<std::optional<error>> echo_one(listener& door, tls_context as) {
    result<tls_stream> peer = co_await accept_one(door, std::move(as));
    if (!peer) co_return peer.error();
    co_return co_await echo(std::move(*peer));
  }

  /// As a client of the echo, to be found at `at`.
  task<> talk_as_s_client(address at, tls_version version) {
    peer_program s_client("openssl",
                          openssl_client(at, own_, {"-quiet", "-no_ign_eof", version_option(version)}));
    co_await s_client.type("hello from s_client\n");
    const std::string back = co_await s_client.printed("\n");
    EXPECT_EQ(back, "hello from s_client\n");
    s_client.end_input();
    const int code = co_await s_client.exit_code();
    EXPECT_EQ(code, 0);
  }

  /// With an s_server that says each line backwards.
  task<> talk_to_s_server(address at, tls_version version) {
    result<tls_stream> made = co_await connect_to(at, client(version));
    EXPECT_TRUE(made) << made.error().message();
    if (!made) co_return;
    EXPECT_EQ(made->version(), version == tls_version::v1_2 ? "TLSv1.2" : "TLSv1.3");
    co_await write_text(*made, "stressed\n");
    const std::string back = co_await read_text(*made, 9);
    EXPECT_EQ(back, "desserts\n");
    result<> closed = co_await made->close();
    EXPECT_TRUE(closed);
  }

  /// Answers one request of HTTP with what it was sent, backwards.
  task<> answer_http(listener& door) {
    result<tls_stream> peer = co_await accept_one(door, server_);
    EXPECT_TRUE(peer) << peer.error().message();
    if (!peer) co_return;
    std::string request;
    while (!request.ends_with("\r\n\r\nbody")) {
      result<lease> piece = co_await peer->read();
      EXPECT_TRUE(piece && !piece->empty());
      if (!piece || piece->empty()) co_return;
      request += text_of(*piece);
    }
    co_await write_text(*peer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nydob");
    result<> closed = co_await peer->close();
    EXPECT_TRUE(closed);
  }
  task<> ask_with_curl(address at, tls_version version) {
    const char* number = version == tls_version::v1_2 ? "1.2" : "1.3";
    peer_program curl("curl", {"--silent", "--http1.1", "--cacert", own_.certificate,
                               std::string("--tlsv") + number, "--tls-max", number, "--data", "body",
                               "--resolve", "localhost:" + std::to_string(at.port()) + ":127.0.0.1",
                               "https://localhost:" + std::to_string(at.port()) + "/"});
    const std::string answer = co_await curl.printed_to_end();
    EXPECT_EQ(answer, "ydob");
    const int code = co_await curl.exit_code();
    EXPECT_EQ(code, 0);
  }
};

constexpr tls_version versions_of_peers[] = {tls_version::v1_2, tls_version::v1_3};

TEST_P(tls_interop, serves_s_client) {
  run([&]() -> task<> {
    listener door = open_door();
    for (const tls_version version : versions_of_peers) {
      auto [ended, talked] =
          co_await when_all(echo_one(door, server_), talk_as_s_client(door.local_address(), version));
      EXPECT_FALSE(ended) << ended->message();
    }
  });
}

TEST_P(tls_interop, talks_to_s_server) {
  run([&]() -> task<> {
    for (const tls_version version : versions_of_peers) {
      openssl_server s_server(own_, {"-rev", version_option(version)});
      const address at = co_await s_server.listens();
      co_await talk_to_s_server(at, version);
    }
  });
}

TEST_P(tls_interop, serves_curl) {
  run([&]() -> task<> {
    listener door = open_door();
    for (const tls_version version : versions_of_peers)
      co_await when_all(answer_http(door), ask_with_curl(door.local_address(), version));
  });
}

TEST_P(tls_interop, in_segments_of_one_byte_talks_to_each_of_them) {
  run([&]() -> task<> {
    listener door = open_door();
    listener path = open_door();
    for (const tls_version version : versions_of_peers) {
      openssl_server s_server(own_, {"-rev", version_option(version)});
      const address at = co_await s_server.listens();
      co_await when_all(relay_one(path, at), talk_to_s_server(path.local_address(), version));
      auto [ended, relayed, talked] =
          co_await when_all(echo_one(door, server_), relay_one(path, door.local_address()),
                            talk_as_s_client(path.local_address(), version));
      EXPECT_FALSE(ended) << ended->message();
      co_await when_all(answer_http(door), relay_one(path, door.local_address()),
                        ask_with_curl(path.local_address(), version));
    }
  });
}

/// The kernel ends a connection with a reset where the one who was killed had not read everything.
bool is_cut_off(const std::optional<error>& why) {
  return why && (*why == tls_errc::truncated || *why == std::errc::connection_reset);
}

/// Its end without close_notify, in either role, is never taken for an end.
TEST_P(tls_interop, with_a_peer_that_is_killed_is_cut_off) {
  run([&]() -> task<> {
    listener door = open_door();
    for (const tls_version version : versions_of_peers) {
      openssl_server s_server(own_, {"-rev", version_option(version)});
      const address at = co_await s_server.listens();
      result<tls_stream> ours = co_await connect_to(at, client(version));
      EXPECT_TRUE(ours) << ours.error().message();
      s_server.kill();
      const ending of_server = co_await read_to_ending(*ours);
      EXPECT_TRUE(is_cut_off(of_server.why));

      peer_program s_client("openssl",
                            openssl_client(door.local_address(), own_, {"-quiet", version_option(version)}));
      auto say_and_die = [&]() -> task<> {
        co_await s_client.type("hello\n");
        co_await s_client.printed("hello\n");
        s_client.kill();
      };
      auto [why, died] = co_await when_all(echo_one(door, server_), say_and_die());
      EXPECT_TRUE(is_cut_off(why));
    }
  });
}

TEST_P(tls_interop, refuses_versions_before_1_2) {
  run([&]() -> task<> {
    listener door = open_door();
    peer_program s_client(
        "openssl", openssl_client(door.local_address(), own_, {"-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"}));
    const result<tls_stream> refused = co_await accept_one(door, server_);
    EXPECT_TRUE(refused.error().message().ends_with("unsupported protocol")) << refused.error().message();
    const int code = co_await s_client.exit_code();
    EXPECT_EQ(code, 1);
  });
}

/// `K` makes s_client ask for a key update, `R` in TLS 1.2 for a renegotiation.
TEST_P(tls_interop, answers_a_key_update_and_refuses_a_renegotiation) {
  run([&]() -> task<> {
    listener door = open_door();
    peer_program updating("openssl", openssl_client(door.local_address(), own_, {"-tls1_3"}));
    auto update = [&]() -> task<> {
      co_await updating.printed("---\n");
      co_await updating.type("K\n");
      co_await updating.complained("KEYUPDATE\n");
      co_await updating.type("after the update\n");
      co_await updating.printed("\nafter the update\n");
      co_await updating.type("Q\n");
    };
    auto [ended, updated] = co_await when_all(echo_one(door, server_), update());
    EXPECT_FALSE(ended) << ended->message();

    peer_program renegotiating("openssl", openssl_client(door.local_address(), own_, {"-tls1_2"}));
    auto renegotiate = [&]() -> task<> {
      co_await renegotiating.printed("---\n");
      co_await renegotiating.type("R\n");
      co_await renegotiating.complained("RENEGOTIATING\n");
      co_await renegotiating.type("now\n"); // begins it
      co_await renegotiating.complained("no renegotiation");
      const int code = co_await renegotiating.exit_code();
      EXPECT_NE(code, 0);
    };
    auto [refused, asked] = co_await when_all(echo_one(door, server_), renegotiate());
    EXPECT_TRUE(refused) << "it was renegotiated";
  });
}

TEST_P(tls_interop, resumes_sessions_of_and_with_openssl) {
  const std::string session = workshop().directory() + "/session";
  run([&]() -> task<> {
    listener door = open_door();
    for (const tls_version version : versions_of_peers) {
      for (const bool again : {false, true}) {
        peer_program s_client("openssl", openssl_client(door.local_address(), own_,
                                                        {version_option(version), "-quiet", "-no_ign_eof",
                                                         again ? "-sess_in" : "-sess_out", session}));
        result<tls_stream> peer = co_await accept_one(door, server_);
        EXPECT_TRUE(peer) << peer.error().message();
        EXPECT_EQ(peer->is_resumed(), again);
        co_await write_text(*peer, "tickets come with this\n");
        co_await s_client.printed("this\n");
        s_client.end_input();
        const ending end = co_await read_to_ending(*peer);
        EXPECT_FALSE(end.why);
        result<> closed = co_await peer->close();
        co_await s_client.exit_code(); // the session is written
      }

      openssl_server s_server(own_, {"-rev", version_option(version)});
      const address at = co_await s_server.listens();
      tls_session_cache cache;
      const tls_context as = client(version);
      for (const bool again : {false, true}) {
        result<tls_stream> ours = co_await connect_to(at, as, &cache);
        EXPECT_TRUE(ours) << ours.error().message();
        EXPECT_EQ(ours->is_resumed(), again);
        co_await write_text(*ours, "level\n");
        const std::string back = co_await read_text(*ours, 6);
        EXPECT_EQ(back, "level\n");
        result<> closed = co_await ours->close();
        EXPECT_TRUE(closed);
      }
    }
  });
}

TEST_P(tls_interop, shows_certificates_and_chooses_protocols_with_openssl) {
  const credentials authority = workshop().self_signed("authority");
  const credentials alice = workshop().signed_by(authority, "alice");
  run([&]() -> task<> {
    listener door = open_door();
    tls_server_options strict(own_.identity());
    strict.asks_client = client_certificate::required;
    strict.authorities.push_back(authority.certificate_pem());
    strict.protocols = {"weir"};
    const std::vector<std::string> as_alice{"-quiet",  "-cert", alice.certificate, "-key",
                                            alice.key, "-alpn", "other,weir"};
    peer_program s_client("openssl", openssl_client(door.local_address(), own_, as_alice));
    result<tls_stream> peer = co_await accept_one(door, context_of(strict));
    EXPECT_TRUE(peer) << peer.error().message();
    EXPECT_EQ(peer->peer_subject(), "CN=alice");
    EXPECT_EQ(peer->protocol(), "weir");

    peer_program stranger("openssl",
                          openssl_client(door.local_address(), own_, {"-quiet", "-alpn", "other"}));
    const result<tls_stream> refused = co_await accept_one(door, context_of(strict));
    EXPECT_TRUE(refused.error().message().ends_with("no application protocol")) << refused.error().message();

    openssl_server s_server(own_, {"-rev", "-Verify", "1", "-verify_return_error", "-CAfile",
                                   authority.certificate, "-alpn", "weir"});
    const address at = co_await s_server.listens();
    tls_client_options options = plain_settings().client;
    options.identity = alice.identity();
    options.protocols = {"weir", "other"};
    result<tls_stream> ours = co_await connect_to(at, context_of(options));
    EXPECT_TRUE(ours) << ours.error().message();
    EXPECT_EQ(ours->protocol(), "weir");
    co_await write_text(*ours, "level\n");
    const std::string back = co_await read_text(*ours, 6);
    EXPECT_EQ(back, "level\n");
    result<> closed = co_await ours->close(); // s_server serves one after the other
    EXPECT_TRUE(closed);
    options.protocols = {"none of yours"};
    const result<tls_stream> mismatch = co_await connect_to(at, context_of(options));
    EXPECT_EQ(mismatch.error(), tls_errc::alert_no_application_protocol);
  });
}

/// curl sends a file and takes it back from a server that echoes; its own pace on both ways.
TEST_P(tls_interop, heavy_64_mib_through_s_client_and_back) {
  constexpr std::size_t total = std::size_t{64} << 20;
  const std::string text = pattern(total);
  run([&]() -> task<> {
    listener door = open_door();
    for (const tls_version version : versions_of_peers) {
      peer_program s_client("openssl",
                            openssl_client(door.local_address(), own_, {"-quiet", version_option(version)}));
      auto read_all = [&]() -> task<bool> {
        std::string got;
        while (got.size() < total) {
          const std::string piece = co_await s_client.printed_some();
          if (piece.empty()) break;
          got += piece;
        }
        s_client.kill();
        co_return got == text;
      };
      auto [ended, typed, is_whole] =
          co_await when_all(echo_one(door, server_), s_client.type(text), read_all());
      EXPECT_TRUE(is_whole);
    }
  });
}

/// s_server sends a file of 64 MiB to a client that stalls now and then.
TEST_P(tls_interop, heavy_64_mib_from_s_server_past_a_slow_reader) {
  constexpr std::size_t total = std::size_t{64} << 20;
  const std::string text = pattern(total);
  const std::string path = workshop().directory() + "/file";
  std::ofstream(path) << text;
  run([&]() -> task<> {
    for (const tls_version version : versions_of_peers) {
      openssl_server s_server(own_, {"-HTTP", version_option(version)});
      const address at = co_await s_server.listens();
      result<tls_stream> ours = co_await connect_to(at, client(version));
      EXPECT_TRUE(ours) << ours.error().message();
      co_await write_text(*ours, "GET /file HTTP/1.0\r\n\r\n");
      std::string got;
      bool goes_on = true;
      for (int reads = 0; goes_on; ++reads) {
        if (reads % 500 == 0) co_await turns(20);
        result<lease> piece = co_await ours->read();
        goes_on = piece && !piece->empty();
        if (goes_on) got += text_of(*piece);
      }
      EXPECT_TRUE(got == text) << got.size();
    }
  });
}

INSTANTIATE_TEST_SUITE_P(backends, tls_interop, on_each_real_backend(), name_of_backend);

} // namespace
} // namespace weir::test
