#include <weir/sim/host.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/world.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace weir::sim {

struct network::pair_of_hosts : timed_event {
  pair_of_hosts(network& of, const host& one, const host& other) noexcept
      : timed_event([](timed_event& self) noexcept {
          auto& me = static_cast<pair_of_hosts&>(self);
          me.owner.heal(me.a, me.b);
        }),
        owner(of), a(one), b(other) {}

  network& owner;
  const host& a;
  const host& b;
  std::optional<link_options> own;
  bool is_parted = false;
};

network::network(world& in) noexcept : world_(in), random_(random_source(in.seed()).fork("network")) {}

network::~network() {
  for (auto& each : pairs_)
    if (each) world_.cancel(*each);
}

network::pair_of_hosts& network::pair(const host& one, const host& other) {
  const auto [lower, upper] = std::minmax(one.number(), other.number());
  const std::size_t index = std::size_t{upper} * (upper - 1) / 2 + lower - 1;
  if (index >= pairs_.size()) pairs_.resize(index + 1);
  if (!pairs_[index]) pairs_[index] = std::make_unique<pair_of_hosts>(*this, one, other);
  return *pairs_[index];
}

const link_options& network::link(const host& one, const host& other) noexcept {
  const pair_of_hosts& between = pair(one, other);
  return between.own ? *between.own : default_;
}

void network::set_link(const host& one, const host& other, const link_options& options) {
  pair(one, other).own = options;
}

host* network::route(host& from, const socket_address& to) noexcept {
  if (to.is_unix() || to.is_loopback() || to.is_any()) return &from;
  const std::uint32_t number = to.host_number();
  return number >= 1 && number <= world_.hosts_count() ? &world_.host_number(number) : nullptr;
}

socket_address network::source_address(const host& from, const host& to,
                                       const socket_address& towards) const noexcept {
  if (&from != &to || !(towards.is_loopback() || towards.is_any()))
    return socket_address::of_host(towards.family(), from.number(), 0);
  return socket_address::loopback(towards.family(), 0);
}

std::uint64_t network::arrival_ns(const host& from, const host& to, std::size_t bytes,
                                  std::uint64_t& free_at_ns) noexcept {
  const std::uint64_t now_ns = world_.now_ns();
  if (&from == &to) return now_ns;
  const link_options& way = link(from, to);
  std::uint64_t latency_ns = random_.between(way.latency_least_ns, way.latency_most_ns);
  if (world_.faults().happens(fault::latency_spike, from.number(), to.number()))
    latency_ns *= world_.faults().amounts(fault::latency_spike).between(10, 1000);
  std::uint64_t leaves_ns = std::max(now_ns, free_at_ns);
  if (way.bytes_per_second > 0) leaves_ns += bytes * 1'000'000'000 / way.bytes_per_second;
  free_at_ns = leaves_ns;
  return leaves_ns + latency_ns;
}

// --- partitions ---

void network::part(const host& one, const host& other) noexcept {
  pair(one, other).is_parted = true;
  world_.log().note(event::partitioned, one.number(), 0, other.number());
}

void network::part_for(const host& one, const host& other, std::uint64_t duration_ns) {
  part(one, other);
  world_.after(duration_ns, pair(one, other));
}

void network::heal(const host& one, const host& other) noexcept {
  pair_of_hosts& between = pair(one, other);
  world_.cancel(between);
  if (!std::exchange(between.is_parted, false)) return;
  world_.log().note(event::healed, one.number(), 0, other.number());
}

void network::heal_all() noexcept {
  for (auto& each : pairs_)
    if (each) heal(each->a, each->b);
}

bool network::are_parted(const host& one, const host& other) noexcept {
  return &one != &other && pair(one, other).is_parted;
}

bool network::is_heard(const host& from, const host& to) noexcept {
  return to.is_up() && !are_parted(from, to);
}

} // namespace weir::sim
