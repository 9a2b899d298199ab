// A time server over UDP (RFC 868's idea, in text): answers each datagram with the time of day.
// `udp_time_server [ADDRESS:PORT]`; ask it with `nc -u 127.0.0.1 3737`.
#include <weir/async/run.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/net/udp_socket.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

using namespace weir;
using namespace std::chrono_literals;

std::string time_of_day() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::to_string(std::chrono::floor<std::chrono::seconds>(since_epoch).count()) + " s since 1970\n";
}

/// Answers all who have asked by one call. Who asks too often is not waited for: what does not fit is lost,
/// as datagrams are.
task<result<>> serve(udp_socket& clients) {
  std::array<datagram, 64> asked;
  for (;;) {
    result<std::size_t> count = co_await clients.receive_some(asked);
    if (!count) co_return fail(count.error()); // cancelled
    const std::string now = time_of_day();
    std::array<outgoing_datagram, 64> answers;
    for (std::size_t i = 0; i < *count; ++i)
      answers[i] = outgoing_datagram(std::as_bytes(std::span(now)), &asked[i].from);
    std::span<const outgoing_datagram> left = std::span(answers).first(*count);
    while (!left.empty()) {
      sent_datagrams sent = co_await clients.send_many(left);
      if (!sent && sent.error().is_cancelled()) co_return fail(sent.error());
      left = left.subspan(sent ? left.size() : sent.count() + 1); // without the one that cannot be reached
    }
  }
}

// --- it asks itself ---

task<result<>> ask(address server) {
  result<udp_socket> socket = udp_socket::connect(server);
  if (!socket) co_return fail(socket.error());
  for (int question = 0; question < 100; ++question) {
    result<> sent = co_await socket->send(std::as_bytes(std::span("?", 1)));
    if (!sent) co_return sent;
    result<datagram> answer = co_await with_deadline(10s, socket->receive());
    if (!answer) co_return fail(answer.error());
    const std::string_view text(reinterpret_cast<const char*>(answer->bytes.data()), answer->bytes.size());
    if (!text.ends_with(" s since 1970\n")) co_return fail(errc::protocol, "that is no time");
  }
  co_return result<>{};
}

task<result<>> run_server(address at, bool tests_itself) {
  result<udp_socket> clients = udp_socket::bind(at);
  if (!clients) co_return fail(clients.error());
  if (!tests_itself) co_return co_await serve(*clients);
  auto outcome = co_await when_any(ask(clients->local_address().value()), serve(*clients));
  co_return std::get<0>(outcome.values);
}

int main(int argc, char** argv) {
  const std::string_view where = argc > 1 ? argv[1] : "127.0.0.1:3737";
  const bool tests_itself = where == "--self-test";
  auto loop = loop::create();
  auto at = address::parse_ip(tests_itself ? "127.0.0.1:0" : where);
  if (!loop || !at) return 1;
  const result<> outcome = run(**loop, run_server(*at, tests_itself));
  if (!outcome) std::fprintf(stderr, "udp_time_server: %s\n", outcome.error().message().c_str());
  return outcome ? 0 : 1;
}
