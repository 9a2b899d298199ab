// resolver: names to addresses and back, through c-ares on the loop (component weir::resolver):
//
//   result<resolver> names = co_await resolver::open();
//   result<std::vector<address>> found = co_await names->resolve("example.org", 443);
//
// In this order: numeric addresses, the hosts file, localhost (RFC 6761) without a question; then the cache;
// then A and AAAA in parallel, with the search domains of resolv.conf(5). IPv6 stands first in the outcome.
// Equal questions that are under way are asked once.
//
// Never blocks the loop: `open` reads the system's configuration on a thread of the pool (class dns), and a
// lookup that finds the hosts file unread for `hosts_refresh` has it read there (class disk). Bound:
// `queries_max` questions under way; further ones wait in line, which costs their tasks' memory. The cache
// has `cache_entries_max` and `cache_bytes_max`; the least recently used entry leaves. An answer keeps at
// most `addresses_max` addresses. Cancel-safety: a cancelled lookup leaves at once, also with_deadline; a
// question that nobody waits for any more goes on to its own time-out and its answer is cached, one that has
// not begun never begins. Errors: resolver_error.hpp. Thread rule: the loop's thread. Lifetime: movable; must
// be destroyed before its loop; destroying it ends all lookups with errc::closed. The time-outs of questions
// are measured by c-ares, on the system's monotonic clock.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/net/address.hpp>
#include <weir/net/resolver_error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

enum class ip_family : std::uint8_t { any, v4, v6 };

struct resolver_options {
  resolver_options() {}

  std::vector<address> servers;                   ///< empty: those of `resolv_conf`
  std::optional<std::vector<std::string>> search; ///< domains to append; unset: those of `resolv_conf`
  std::string resolv_conf = "/etc/resolv.conf";
  std::string hosts_file = "/etc/hosts";                             ///< empty: none
  std::chrono::milliseconds query_timeout = std::chrono::seconds(2); ///< of the first try; doubles with each
  unsigned tries = 3;                                                ///< of each server
  std::size_t queries_max = 128;
  std::size_t addresses_max = 64;
  std::size_t cache_entries_max = 1024; ///< 0: no cache
  std::size_t cache_bytes_max = std::size_t{1} << 20;
  std::chrono::seconds ttl_max = std::chrono::hours(1);        ///< whatever the answer says
  std::chrono::seconds negative_ttl = std::chrono::seconds(5); ///< of "no such name" and "no address"
  std::chrono::nanoseconds hosts_refresh = std::chrono::seconds(5);
  std::size_t hosts_bytes_max = std::size_t{4} << 20; ///< of a longer file the beginning is read
};

struct resolver_counters {
  std::uint64_t questions = 0;  ///< put to servers: one a name and family, however many tries it took
  std::uint64_t from_cache = 0; ///< answered without a question
  std::uint64_t joined = 0;     ///< lookups that shared a question of another
};

class resolver {
 public:
  static task<result<resolver>> open(resolver_options options = resolver_options());

  resolver(resolver&&) = default;
  resolver& operator=(resolver&& other) noexcept;
  ~resolver();

  /// All addresses of `host` with `port`; at least one. `any` succeeds when one family does.
  task<result<std::vector<address>>> resolve(std::string host, std::uint16_t port,
                                             ip_family family = ip_family::any);
  /// The name of an address (PTR). Not cached; that it has none is.
  task<result<std::string>> reverse(address of);

  const resolver_counters& counters() const noexcept;
  std::size_t queries_in_flight() const noexcept;
  std::size_t queries_waiting() const noexcept;

 private:
  class core;
  explicit resolver(std::shared_ptr<core> made) noexcept : core_(std::move(made)) {}

  std::shared_ptr<core> core_; ///< lookups under way share it
};

} // namespace weir
