// What the scenarios share: their options, a server that takes connections, and orders to the clients.
#pragma once

#include "../support/echo_clients.hpp"

#include <weir/async/task.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/net/listener.hpp>
#include <weir/os/readiness.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace bench {

struct scenario_options {
  std::string_view backend = "automatic";
  std::uint32_t connections = 1'000;
  std::uint32_t active = 1'000; ///< of the connections, where not all are
  std::uint32_t milliseconds = 3'000;
};

inline scenario_options parse(int argc, char** argv, scenario_options all) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const auto number = static_cast<std::uint32_t>(std::strtoul(argv[i + 1], nullptr, 10));
    if (name == "--backend") all.backend = argv[i + 1];
    if (name == "--connections") all.connections = number;
    if (name == "--active") all.active = number;
    if (name == "--ms") all.milliseconds = number;
  }
  return all;
}

/// `echo`: a function that serves one connection to its end.
template <class Echo>
weir::task<weir::result<>> serve(weir::listener& door, weir::nursery& clients, Echo echo) {
  for (;;) {
    weir::result<weir::stream> client = co_await door.accept();
    if (!client) co_return weir::fail(client.error());
    weir::result<> admitted = co_await clients.spawn(echo(std::move(*client)));
    if (!admitted) co_return admitted;
  }
}

inline weir::task<latency> carried_out(echo_clients& clients, client_main::order what) {
  clients.tell(what);
  weir::result<> answered = co_await weir::readable(clients.descriptor());
  if (!answered) die("the clients do not answer");
  co_return clients.answer();
}

} // namespace bench
