// Transfers of libcurl on each backend, against a server on the same loop.
#include "curl_docs.hpp"
#include "http_of_test.hpp"

#include <weir/adapters/curl_client.hpp>
#include <weir/async/retry.hpp>

#include <support/coroutine_fixture.hpp>
#include <support/real_server.hpp>

#include <cstdlib>
#include <string>
#include <vector>

namespace weir::test {
namespace {

class curl_client_test : public backend_test {
 protected:
  void SetUp() override {
    ::setenv("no_proxy", "*", 1); // libcurl asks the environment
    backend_test::SetUp();
  }

  /// Runs `body` with a client and a server that answers as `answers` says.
  template <class Body>
  void with_web(http_of_test::handler answers, const curl_client_options& options, Body body) {
    run([&]() -> task<> {
      http_of_test server(std::move(answers));
      {
        curl_client web(options);
        co_await body(web, server);
        EXPECT_EQ(web.transfers(), 0u);
      }
      co_await server.stop();
    });
  }

  static http_of_test::handler echo() {
    return [](const std::string& request, stream& client) -> task<> {
      return http_of_test::write(client, http_of_test::answer(request));
    };
  }
};

TEST_P(curl_client_test, requests_and_responses_are_whole) {
  with_web(echo(), curl_client_options(), [](curl_client& web, http_of_test& server) -> task<> {
    curl_request post(server.url("/path?q=1"), "POST");
    post.headers = {"X-Colour: blue"};
    post.body = std::string("a\0b", 3);
    result<curl_response> answer = co_await web.fetch(post);
    EXPECT_TRUE(answer) << answer.error().message();
    if (!answer) co_return;
    EXPECT_EQ(answer->head.status(), 200);
    EXPECT_EQ(answer->head.header("content-length"), std::to_string(answer->body.size()));
    EXPECT_FALSE(answer->head.header("absent"));
    EXPECT_TRUE(answer->body.starts_with("POST /path?q=1 HTTP/1.1\r\n"));
    EXPECT_NE(answer->body.find("X-Colour: blue\r\n"), std::string::npos);
    EXPECT_TRUE(answer->body.ends_with(post.body));
  });
}

TEST_P(curl_client_test, examples_of_the_documentation) {
  auto answers = [](const std::string&, stream& client) -> task<> {
    return http_of_test::write(client, http_of_test::answer(std::string(100'000, 'x')));
  };
  with_web(answers, curl_client_options(), [](curl_client& web, http_of_test& server) -> task<> {
    result<std::size_t> size = co_await size_of_page(web, server.url());
    EXPECT_EQ(size.value(), 100'000u);
  });
}

TEST_P(curl_client_test, connections_are_used_again) {
  with_web(echo(), curl_client_options(), [](curl_client& web, http_of_test& server) -> task<> {
    for (int i = 0; i < 5; ++i) {
      result<curl_response> answer = co_await web.fetch(curl_request(server.url()));
      EXPECT_TRUE(answer);
    }
    EXPECT_EQ(server.connections(), 1u);
  });
}

TEST_P(curl_client_test, many_at_once_are_bounded) {
  curl_client_options options;
  options.transfers_max = 8;
  with_web(echo(), options, [](curl_client& web, http_of_test& server) -> task<> {
    auto fetches = [&](int number) -> task<> {
      const std::string path = "/" + std::to_string(number) + " ";
      result<curl_response> answer =
          co_await web.fetch(curl_request(server.url("/" + std::to_string(number))));
      EXPECT_TRUE(answer && answer->body.starts_with("GET " + path));
      EXPECT_LE(web.transfers(), 8u);
    };
    std::vector<task<>> all;
    for (int i = 0; i < 60; ++i) all.push_back(fetches(i));
    co_await when_all(std::move(all));
    EXPECT_LE(server.connections(), 8u);
  });
}

TEST_P(curl_client_test, a_status_is_an_answer_and_redirects_are_followed_where_allowed) {
  auto answers = [](const std::string& request, stream& client) -> task<> {
    if (request.starts_with("GET /old "))
      return http_of_test::write(client,
                                 http_of_test::answer("moved", "HTTP/1.1 302 Found\r\nLocation: /new\r\n"));
    return http_of_test::write(client, http_of_test::answer("none", "HTTP/1.1 404 Not Found\r\n"));
  };
  with_web(answers, curl_client_options(), [](curl_client& web, http_of_test& server) -> task<> {
    result<curl_response> stays = co_await web.fetch(curl_request(server.url("/old")));
    EXPECT_TRUE(stays && stays->head.status() == 302 && stays->head.header("location") == "/new");
    curl_request follows(server.url("/old"));
    follows.redirects_max = 3;
    result<curl_response> gone = co_await web.fetch(follows);
    EXPECT_TRUE(gone && gone->head.status() == 404 && gone->body == "none");
  });
}

TEST_P(curl_client_test, a_body_above_its_bound_is_an_error) {
  curl_client_options options;
  options.body_bytes_max = 10'000;
  auto answers = [](const std::string&, stream& client) -> task<> {
    return http_of_test::write(client, http_of_test::answer(std::string(100'000, 'x')));
  };
  with_web(answers, options, [](curl_client& web, http_of_test& server) -> task<> {
    result<curl_response> much = co_await web.fetch(curl_request(server.url("/much?secret")));
    EXPECT_TRUE(!much && much.error() == errc::limit_reached);
    EXPECT_EQ(much.error().endpoint(), server.url("/much"));
  });
}

TEST_P(curl_client_test, a_slow_reader_stops_the_sender_and_gets_all) {
  constexpr std::size_t total = std::size_t{24} << 20;
  std::uint64_t sent = 0;
  auto answers = [&](const std::string&, stream& client) -> task<> {
    const std::string piece = pattern(std::size_t{64} << 10);
    co_await http_of_test::write(client,
                                 "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(total) + "\r\n\r\n");
    for (std::size_t done = 0; done < total; done += piece.size()) {
      transfer moved = co_await client.write_all(std::as_bytes(std::span(piece)));
      if (!moved) co_return;
      sent += moved.bytes();
    }
  };
  with_web(answers, curl_client_options(), [&](curl_client& web, http_of_test& server) -> task<> {
    result<curl_transfer> file = co_await web.open(curl_request(server.url()));
    EXPECT_TRUE(file && file->head().status() == 200);
    if (!file) co_return;
    co_await turns(300);
    EXPECT_LT(sent, total / 2); // it waits, and so does everything between
    std::size_t received = 0;
    for (;;) {
      result<std::string> piece = co_await file->read();
      EXPECT_TRUE(piece);
      if (!piece || piece->empty()) break;
      EXPECT_LE(piece->size(), std::size_t{300} << 10);
      received += piece->size();
    }
    EXPECT_EQ(received, total);
  });
}

TEST_P(curl_client_test, a_deadline_ends_a_transfer_in_every_stage) {
  auto answers = [](const std::string& request, stream& client) -> task<> {
    if (request.starts_with("GET /silent")) co_return;
    co_await http_of_test::write(client, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  };
  with_web(answers, curl_client_options(), [](curl_client& web, http_of_test& server) -> task<> {
    result<curl_response> no_head =
        co_await with_deadline(3ms, web.fetch(curl_request(server.url("/silent"))));
    EXPECT_TRUE(!no_head && no_head.error().is_timeout());
    result<curl_transfer> half = co_await web.open(curl_request(server.url("/half")));
    EXPECT_TRUE(half);
    if (!half) co_return;
    result<std::string> first = co_await half->read();
    EXPECT_EQ(first.value(), "half");
    result<std::string> no_more = co_await with_deadline(3ms, half->read());
    EXPECT_TRUE(!no_more && no_more.error().is_timeout());
  });
}

TEST_P(curl_client_test, what_fails_is_told_with_the_url_and_the_reason) {
  auto answers = [](const std::string&, stream& client) -> task<> {
    co_await http_of_test::write(client, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    (void)co_await client.shutdown();
  };
  with_web(answers, curl_client_options(), [](curl_client& web, http_of_test& server) -> task<> {
    result<curl_response> cut = co_await web.fetch(curl_request(server.url("/cut")));
    EXPECT_TRUE(!cut && cut.error() == std::errc::connection_reset) << cut.error().message();
    EXPECT_TRUE(is_transient(cut.error()));
    const std::string nobody = "127.0.0.1:" + std::to_string(unused_port());
    result<curl_response> refused = co_await web.fetch(curl_request("http://me:secret@" + nobody + "/x"));
    EXPECT_TRUE(!refused && refused.error() == std::errc::connection_refused) << refused.error().message();
    EXPECT_EQ(refused.error().message().find("secret"), std::string::npos);
    EXPECT_NE(refused.error().message().find("http://" + nobody + "/x"), std::string::npos);
    result<curl_response> foreign = co_await web.fetch(curl_request("file:///etc/passwd"));
    EXPECT_TRUE(!foreign && foreign.error() == std::errc::invalid_argument);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, curl_client_test, on_each_backend(), name_of_backend);

TEST(curl_error_test, urls_are_shown_without_what_is_secret_in_them) {
  EXPECT_EQ(without_secrets("https://user:secret@host/path?key=1"), "https://host/path");
  EXPECT_EQ(without_secrets("http://host"), "http://host");
  EXPECT_EQ(without_secrets("host/path@x"), "host/path@x");
}

} // namespace
} // namespace weir::test
