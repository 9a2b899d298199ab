// A client of TLS: asks a web server for a page and prints it. The certificate must be for the name.
//   tls_client 93.184.215.14:443 example.org
#include <weir/async/run.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/net/listener.hpp>
#include <weir/net/tls_stream.hpp>
#include <weir/os/process.hpp>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

using namespace weir;
using namespace std::chrono_literals;

task<result<std::string>> get(address from, std::string host, tls_context as) {
  result<stream> carrier = co_await stream::connect(from);
  if (!carrier) co_return fail(carrier.error());
  result<tls_stream> server =
      co_await tls_stream::connect(std::move(*carrier), std::move(as), tls_connect_options(host));
  if (!server) co_return fail(server.error());
  const std::string request = "GET / HTTP/1.0\r\nHost: " + host + "\r\n\r\n";
  const transfer sent = co_await server->write_all(std::as_bytes(std::span(request)));
  if (!sent) co_return fail(sent.error());
  std::string page;
  for (;;) {
    result<lease> piece = co_await server->read();
    if (!piece) co_return fail(piece.error()); // also where the page was cut off on its way
    if (piece->empty()) co_return page;
    page.append(reinterpret_cast<const char*>(piece->data()), piece->size());
  }
}

task<result<>> serve_one(listener& door, tls_context as) {
  result<stream> carrier = co_await door.accept();
  if (!carrier) co_return fail(carrier.error());
  result<tls_stream> client = co_await tls_stream::accept(std::move(*carrier), std::move(as));
  if (!client) co_return fail(client.error());
  result<lease> request = co_await client->read();
  if (request) (void)co_await client->write_all(*request); // its page is what it was asked
  co_return co_await client->close();
}

/// Both ends, with a certificate that the openssl tool makes.
task<result<std::string>> self_test(std::string directory) {
  const tls_pem certificate = tls_pem::file(directory + "/certificate"),
                key = tls_pem::file(directory + "/key");
  std::filesystem::create_directory(directory);
  command make("openssl", {"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-out",
                           certificate.value(), "-keyout", key.value()});
  make.errors = redirection::nothing();
  result<process> maker = process::spawn(make);
  if (maker) (void)co_await maker->wait();
  tls_client_options trust;
  trust.authorities = {certificate};
  const auto as_client = tls_context::client(trust);
  const auto as_server = tls_context::server(tls_server_options(tls_identity(certificate, key)));
  std::filesystem::remove_all(directory);
  result<listener> door = listener::bind(*address::ip("127.0.0.1", 0));
  if (!door || !as_client || !as_server) co_return fail(errc::invalid_argument, "self-test");
  auto [page, served] =
      co_await when_all(get(door->local_address(), "localhost", *as_client), serve_one(*door, *as_server));
  co_return served ? page : result<std::string>(fail(served.error()));
}

int main(int argc, char** argv) {
  const auto loop = loop::create();
  const auto as = tls_context::client();
  const auto from = address::parse_ip(argc == 3 ? argv[1] : "127.0.0.1:443");
  if (!loop || !as || !from || argc < 2) return 1;
  const std::string directory = "/tmp/weir_tls_" + std::to_string(::getpid());
  task<result<std::string>> asked = argc == 3 ? get(*from, argv[2], *as) : self_test(directory);
  const result<std::string> page = run(**loop, with_deadline(30s, std::move(asked)));
  std::printf("%s\n", page ? page->c_str() : page.error().message().c_str());
  return page ? 0 : 1;
}
