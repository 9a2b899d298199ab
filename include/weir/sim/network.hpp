// network: what lies between the hosts of a simulated world: how long bytes take from one to another, and
// whether they get there.
//
// Bytes of one connection stay in order; those of different connections overtake each other. A host hears
// itself at once. Where two hosts are parted, streams try again and again as TCP does, and datagrams are
// lost. Thread rule: the world's thread. Bound: a record for each pair of hosts.
#pragma once

#include <weir/sim/event_queue.hpp>
#include <weir/sim/random.hpp>
#include <weir/sim/socket_address.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace weir::sim {

class host;
class world;

/// Of each direction between two hosts.
struct link_options {
  link_options() noexcept {}
  link_options(std::uint64_t least_ns, std::uint64_t most_ns, std::uint64_t bytes_per_s = 0) noexcept
      : latency_least_ns(least_ns), latency_most_ns(most_ns), bytes_per_second(bytes_per_s) {}

  std::uint64_t latency_least_ns = 50'000;
  std::uint64_t latency_most_ns = 200'000; ///< drawn between the two for each segment
  std::uint64_t bytes_per_second = 0;      ///< 0: not limited
};

class network {
 public:
  explicit network(world& in) noexcept;
  ~network();

  /// Of all pairs that have none of their own.
  void set_default(const link_options& options) noexcept { default_ = options; }
  void set_link(const host& one, const host& other, const link_options& options);

  /// Where packets of `from` to that address go; null: there is no way.
  host* route(host& from, const socket_address& to) noexcept;
  /// As seen from there, where `from` has no address of its own.
  socket_address source_address(const host& from, const host& to,
                                const socket_address& towards) const noexcept;

  /// How long so many bytes take; `free_at_ns` is when the way is free, and is moved on.
  std::uint64_t arrival_ns(const host& from, const host& to, std::size_t bytes,
                           std::uint64_t& free_at_ns) noexcept;

  void part(const host& one, const host& other) noexcept;
  /// Parts them, for so long.
  void part_for(const host& one, const host& other, std::uint64_t duration_ns);
  void heal(const host& one, const host& other) noexcept;
  void heal_all() noexcept;
  bool are_parted(const host& one, const host& other) noexcept;
  /// Whether what arrives now is heard there.
  bool is_heard(const host& from, const host& to) noexcept;

 private:
  struct pair_of_hosts;
  pair_of_hosts& pair(const host& one, const host& other);
  const link_options& link(const host& one, const host& other) noexcept;

  world& world_;
  random_source random_;
  link_options default_;
  std::vector<std::unique_ptr<pair_of_hosts>> pairs_; ///< of (a, b), a < b, at b * (b - 1) / 2 + a
};

} // namespace weir::sim
