// A resolver and a server of the test's own that it asks; nothing of this machine's configuration.
#pragma once

#include "resolver_server.hpp"

#include <weir/async/when_any.hpp>
#include <weir/net/resolver.hpp>

#include <support/coroutine_fixture.hpp>

#include <functional>
#include <string>
#include <vector>

namespace weir::test {

class resolver_rig : public backend_test {
 protected:
  /// Runs `body` while `server` serves.
  void run_with(dns_server& server, std::function<task<>()> body) {
    auto both = [&]() -> task<> { co_await when_any(server.serve(), body()); };
    run(both);
  }
  static resolver_options options_for(const dns_server& server) {
    resolver_options options;
    options.servers = {server.where()};
    options.search = std::vector<std::string>();
    options.resolv_conf = "/dev/null";
    options.hosts_file = "";
    return options;
  }
  /// Call it from a coroutine.
  static task<resolver> opened(resolver_options options) {
    result<resolver> made = co_await resolver::open(std::move(options));
    EXPECT_TRUE(made) << made.error().message();
    co_return std::move(*made);
  }
  static task<resolver> opened(const dns_server& server) { return opened(options_for(server)); }
};

inline std::string text_of(const result<std::vector<address>>& found) {
  if (!found) return found.error().message();
  std::string text;
  for (const address& each : *found) text += (text.empty() ? "" : " ") + each.to_string();
  return text;
}

inline bool is_failure(const result<std::vector<address>>& found, const std::error_code& code) {
  return !found && found.error() == code;
}

/// Every name has these.
inline std::optional<std::string> two_families(const dns_query& query) {
  if (query.type == type_aaaa) return dns_reply(query).address("fd00::1");
  return dns_reply(query).address("10.0.0.1");
}

inline std::optional<std::string> silence(const dns_query&) {
  return std::nullopt;
}

} // namespace weir::test
