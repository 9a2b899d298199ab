// The examples of docs/tls.md, as they stand there.
#include "tls_ends.hpp"

#include <weir/net/listener.hpp>

namespace weir::test {
namespace {

// [client]
task<result<tls_stream>> open_api(address at, tls_context trusted, tls_session_cache& sessions) {
  result<stream> carrier = co_await stream::connect(at);
  if (!carrier) co_return fail(carrier.error());
  co_return co_await tls_stream::connect(std::move(*carrier), trusted,
                                         tls_connect_options("localhost", &sessions));
}

// [server]
task<result<>> serve_client(stream carrier, tls_context identity) {
  result<tls_stream> client = co_await with_deadline(5s, tls_stream::accept(std::move(carrier), identity));
  if (!client) co_return fail(client.error()); // "tls handshake 10.0.0.7:51312: no shared cipher"
  result<lease> question = co_await client->read();
  if (!question) co_return fail(question.error());
  const transfer answered = co_await client->write_all(*question);
  if (!answered) co_return fail(answered.error());
  co_return co_await client->close();
}

// [contexts]
result<tls_context> for_members_only(std::string directory) {
  tls_server_options options(tls_identity(tls_pem::file(directory + "/localhost.pem"), //
                                          tls_pem::file(directory + "/localhost.key")));
  options.asks_client = client_certificate::required;
  options.authorities = {tls_pem::file(directory + "/members.pem")};
  options.protocols = {"h2", "http/1.1"};
  return tls_context::server(
      options); // "tls certificates /etc/weir/localhost.pem: No such file or directory"
}

// [names]
result<tls_context> for_two_names(tls_context shop, tls_context blog, tls_context others) {
  std::vector<tls_host> hosts;
  hosts.emplace_back("shop.example", shop);
  hosts.emplace_back("*.blog.example", blog);
  return tls_context::by_name(std::move(hosts), others);
}

// [truncation]
task<result<std::string>> whole_text(tls_stream& from) {
  std::string text;
  for (;;) {
    result<lease> piece = co_await from.read();
    if (!piece && piece.error() == tls_errc::truncated) text.clear(); // a part is not the whole
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return text; // close_notify: this is all
    text.append(reinterpret_cast<const char*>(piece->data()), piece->size());
  }
}

using tls_docs = backend_test;

TEST_P(tls_docs, client_and_server_talk) {
  const tls_settings settings = plain_settings();
  run([&]() -> task<> {
    result<listener> door = listener::bind(*address::ip("127.0.0.1", 0));
    tls_session_cache sessions;
    auto ask = [&]() -> task<result<std::string>> {
      result<tls_stream> api =
          co_await open_api(door->local_address(), context_of(settings.client), sessions);
      if (!api) co_return fail(api.error());
      co_await write_text(*api, "question");
      co_return co_await whole_text(*api);
    };
    auto serve = [&]() -> task<result<>> {
      result<stream> carrier = co_await door->accept();
      co_return co_await serve_client(std::move(*carrier), context_of(settings.server));
    };
    auto [answer, served] = co_await when_all(ask(), serve());
    EXPECT_EQ(answer.value_or(""), "question");
    EXPECT_TRUE(served);
    EXPECT_EQ(sessions.size(), 2u);
  });
}

TEST_P(tls_docs, contexts_are_made) {
  const credentials own = workshop().self_signed("localhost");
  workshop().self_signed("members");
  EXPECT_TRUE(for_members_only(workshop().directory()));
  EXPECT_FALSE(for_members_only("/nowhere"));
  const tls_context some = context_of(tls_server_options(own.identity()));
  EXPECT_TRUE(for_two_names(some, some, some));
}

INSTANTIATE_TEST_SUITE_P(backends, tls_docs, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
