#include "resolver_core.hpp"

#include <weir/async/offload.hpp>
#include <weir/async/when_all.hpp>
#include <weir/io/platform/sockets.hpp>
#include <weir/net/resolver.hpp>

#include <cstring>
#include <optional>

namespace weir {
namespace {

constexpr std::size_t host_bytes_max = 254; ///< 253, and a dot behind them (RFC 1035, 2.3.4)

address with_port(address of, std::uint16_t port) noexcept {
  sockaddr_storage raw{};
  const socklen_t bytes = of.raw_bytes();
  std::memcpy(&raw, of.raw(), bytes);
  if (of.family() == AF_INET)
    reinterpret_cast<sockaddr_in&>(raw).sin_port = htons(port);
  else
    reinterpret_cast<sockaddr_in6&>(raw).sin6_port = htons(port);
  return {reinterpret_cast<const sockaddr*>(&raw), bytes};
}

bool allows(ip_family wanted, int family) noexcept {
  return wanted == ip_family::any || (wanted == ip_family::v6) == (family == AF_INET6);
}

/// "localhost" and what ends in it never leaves the machine (RFC 6761, 6.3).
bool is_localhost(std::string_view host) {
  std::string name = lower_case(host);
  if (name.ends_with('.')) name.pop_back();
  return name == "localhost" || name.ends_with(".localhost");
}

/// Why `host` cannot be a name; null when it can.
const char* fault_of_name(std::string_view host) noexcept {
  if (host.empty()) return "resolve: an empty name";
  if (host.size() > host_bytes_max) return "resolve: a name longer than 253 bytes";
  if (host.find('\0') != std::string_view::npos) return "resolve: null in a name";
  if (host.find(':') != std::string_view::npos) return "resolve: not a name, and not an IP address";
  return nullptr;
}

result<std::vector<address>> addresses_or_failure(std::vector<address> found, std::string_view host,
                                                  std::uint16_t port) {
  if (found.empty()) return fail(error(make_error_code(resolve_errc::no_data), "resolve").at(host));
  for (address& each : found) each = with_port(each, port);
  return found;
}

/// What needs no question; nothing when it needs one.
std::optional<std::vector<address>> without_asking(const hosts_table& hosts, std::string_view host,
                                                   ip_family family) {
  std::vector<address> found;
  if (const result<address> numeric = address::ip(host, 0); numeric && host != "*") {
    if (allows(family, numeric->family())) found.push_back(*numeric);
    return found;
  }
  const bool is_in_file = hosts.knows(host);
  if (!is_in_file && !is_localhost(host)) return std::nullopt;
  for (const int each : {AF_INET6, AF_INET}) {
    if (!allows(family, each)) continue;
    if (!is_in_file) found.push_back(*address::ip(each == AF_INET6 ? "::1" : "127.0.0.1", 0));
    for (const address& of_file : hosts.find(host, each)) found.push_back(of_file);
  }
  return found;
}

struct parts_of_resolver {
  std::unique_ptr<resolver_channel> channel;
  std::unique_ptr<hosts_table> hosts;
};

/// Blocks: reads files.
result<parts_of_resolver> make_parts(const resolver_options& options) {
  parts_of_resolver made;
  auto channel = resolver_channel::open(options);
  if (!channel) return fail(std::move(channel).error());
  made.channel = std::move(*channel);
  auto hosts = read_hosts(options.hosts_file, file_stamp(), options.hosts_bytes_max);
  if (!hosts) return fail(std::move(hosts).error());
  made.hosts = std::move(*hosts);
  return made;
}

} // namespace

task<result<resolver>> resolver::open(resolver_options options) {
  for (const address& each : options.servers)
    if (each.is_unix() || each.raw_bytes() == 0)
      co_return fail(errc::invalid_argument, "resolver: a server is an IP address and a port");
  if (options.queries_max == 0) co_return fail(errc::invalid_argument, "resolver: queries_max is 0");
  auto make = [&options] { return make_parts(options); };
  result<parts_of_resolver> made = co_await offload(pool_class::dns, make);
  if (!made) co_return fail(std::move(made).error());
  co_return resolver(
      std::make_shared<core>(std::move(options), std::move(made->channel), std::move(made->hosts)));
}

resolver::~resolver() {
  if (core_) core_->close();
}

resolver& resolver::operator=(resolver&& other) noexcept {
  if (this != &other) {
    if (core_) core_->close();
    core_ = std::move(other.core_);
  }
  return *this;
}

task<result<std::vector<address>>> resolver::resolve(std::string host, std::uint16_t port, ip_family family) {
  const std::shared_ptr<core> self = core_; // the resolver may be gone while this waits
  if (const char* fault = fault_of_name(host); fault && !address::ip(host, 0))
    co_return fail(error(errc::invalid_argument, fault).at(host));
  co_await core::refresh_hosts(self);
  if (auto known = without_asking(self->hosts(), host, family))
    co_return addresses_or_failure(std::move(*known), host, port);
  if (family != ip_family::any) {
    const int number = family == ip_family::v6 ? AF_INET6 : AF_INET;
    const shared_answer only = co_await core::answer(self, host, number, address());
    if (only->failure) co_return fail(*only->failure);
    co_return addresses_or_failure(only->addresses, host, port);
  }
  auto [v6, v4] = co_await when_all(core::answer(self, host, AF_INET6, address()),
                                    core::answer(self, host, AF_INET, address()));
  if (v6->failure && v4->failure) co_return fail(worse_of(*v6->failure, *v4->failure));
  std::vector<address> both = v6->addresses;
  both.insert(both.end(), v4->addresses.begin(), v4->addresses.end());
  co_return addresses_or_failure(std::move(both), host, port);
}

task<result<std::string>> resolver::reverse(address of) {
  const std::shared_ptr<core> self = core_;
  if (of.is_unix() || of.raw_bytes() == 0)
    co_return fail(error(errc::invalid_argument, "reverse: not an IP address").at(of.to_string()));
  co_await core::refresh_hosts(self);
  if (std::string known = self->hosts().name_of(of); !known.empty()) co_return known;
  const shared_answer told = co_await core::answer(self, of.host(), AF_UNSPEC, of);
  if (told->failure) co_return fail(*told->failure);
  co_return told->host;
}

const resolver_counters& resolver::counters() const noexcept {
  return core_->counters;
}

std::size_t resolver::queries_in_flight() const noexcept {
  return core_->in_flight;
}

std::size_t resolver::queries_waiting() const noexcept {
  return core_->queued;
}

} // namespace weir
