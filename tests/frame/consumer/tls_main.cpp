// tls_main DIRECTORY: a client and a server of one process shake hands and exchange a byte. The directory
// holds localhost.pem and localhost.key.
#include <weir/async/run.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/net/stream.hpp>
#include <weir/net/tls_stream.hpp>

#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <string>

using namespace weir;

task<result<>> serve(stream carrier, tls_context identity) {
  result<tls_stream> client = co_await tls_stream::accept(std::move(carrier), identity);
  if (!client) co_return fail(client.error());
  result<lease> asked = co_await client->read();
  if (!asked) co_return fail(asked.error());
  transfer answered = co_await client->write_all(*asked);
  if (!answered) co_return fail(answered.error());
  co_return co_await client->close();
}

task<result<>> ask(stream carrier, tls_context trusted) {
  result<tls_stream> server =
      co_await tls_stream::connect(std::move(carrier), trusted, tls_connect_options("localhost"));
  if (!server) co_return fail(server.error());
  std::array<std::byte, 1> byte{std::byte{42}};
  transfer asked = co_await server->write_all(byte);
  if (!asked) co_return fail(asked.error());
  transfer answered = co_await server->read_exactly(byte);
  if (!answered) co_return fail(answered.error());
  std::printf("%.*s\n", static_cast<int>(server->version().size()), server->version().data());
  co_return result<>();
}

task<result<>> shake_hands(std::string directory) {
  const tls_pem certificate = tls_pem::file(directory + "/localhost.pem");
  tls_client_options trusting;
  trusting.authorities = {certificate};
  result<tls_context> trusted = tls_context::client(trusting);
  if (!trusted) co_return fail(trusted.error());
  tls_server_options own(tls_identity(certificate, tls_pem::file(directory + "/localhost.key")));
  result<tls_context> identity = tls_context::server(own);
  if (!identity) co_return fail(identity.error());

  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    co_return fail(errc::invalid_argument, "socketpair");
  result<stream> one = stream::adopt(descriptor(ends[0]));
  result<stream> other = stream::adopt(descriptor(ends[1]));
  if (!one || !other) co_return fail(errc::invalid_argument, "adopt");
  auto [served, asked] =
      co_await when_all(serve(std::move(*one), *identity), ask(std::move(*other), *trusted));
  co_return asked ? served : asked;
}

int main(int argc, char** argv) {
  auto loop = loop::create();
  if (!loop || argc != 2) return 1;
  result<> outcome = run(**loop, with_deadline(std::chrono::seconds(20), shake_hands(argv[1])));
  if (!outcome) std::fprintf(stderr, "%s\n", outcome.error().message().c_str());
  return outcome ? 0 : 1;
}
