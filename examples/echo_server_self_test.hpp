// The self-test of echo_server: a client that sends more than all buffers between the two ends hold.
#pragma once

#include <weir/async/run.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/net/stream.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <tuple>
#include <vector>

weir::task<weir::result<>> serve(weir::address at);

/// More than all buffers between the two ends hold: both have to wait for each other.
inline constexpr std::size_t message_bytes = 16u << 20;

inline std::vector<std::byte> make_message() {
  std::vector<std::byte> bytes(message_bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31 + i / 4096);
  return bytes;
}

inline weir::task<weir::result<>> say(weir::stream& server, const std::vector<std::byte>& message) {
  weir::transfer sent = co_await server.write_all(message);
  if (!sent) co_return weir::fail(sent.error());
  co_return co_await server.shutdown();
}

/// The message comes back whole, then the end.
inline weir::task<weir::result<>> hear(weir::stream& server, const std::vector<std::byte>& message) {
  std::vector<std::byte> echoed(message.size());
  weir::transfer received = co_await server.read_exactly(echoed);
  if (!received) co_return weir::fail(received.error());
  weir::result<weir::lease> end = co_await server.read();
  if (!end) co_return weir::fail(end.error());
  if (echoed != message || !end->empty()) co_return weir::fail(weir::errc::protocol, "the echo differs");
  co_return weir::result<>{};
}

inline weir::task<weir::result<>> converse(weir::address at) {
  const std::vector<std::byte> message = make_message();
  weir::result<weir::stream> server = co_await weir::stream::connect(at);
  if (!server) co_return weir::fail(server.error());
  auto outcome = co_await weir::when_all(say(*server, message), hear(*server, message));
  weir::result<> said = std::get<0>(outcome);
  weir::result<> heard = std::get<1>(outcome);
  if (!said) co_return said;
  co_return heard;
}

inline weir::task<weir::result<>> serve_one_client(weir::address at) {
  auto outcome =
      co_await weir::when_any(serve(at), converse(at)); // the server listens before the client begins
  const weir::result<>& served = std::get<0>(outcome.values);
  if (outcome.first == 0) co_return served; // it should have gone on
  co_return std::get<1>(outcome.values);
}

inline int self_test() {
  auto loop = weir::loop::create();
  auto at = weir::address::unix_abstract("weir-echo-" + std::to_string(::getpid()));
  if (!loop || !at) return 1;
  const weir::result<> outcome =
      weir::run(**loop, weir::with_deadline(std::chrono::seconds(30), serve_one_client(*at)));
  if (!outcome) std::fprintf(stderr, "echo_server: %s\n", outcome.error().message().c_str());
  return outcome ? 0 : 1;
}
