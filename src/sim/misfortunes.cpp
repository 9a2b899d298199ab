#include <weir/sim/host.hpp>
#include <weir/sim/misfortunes.hpp>
#include <weir/sim/world.hpp>

#include <algorithm>

namespace weir::sim {
namespace {

/// From a millisecond to years, each magnitude as likely: what administrators, leap seconds and flat
/// batteries do.
std::int64_t drawn_jump_ns(random_source& random) noexcept {
  const std::uint64_t distance_ns = random.below(std::uint64_t{1'000'000} << random.below(37));
  const auto signed_ns = static_cast<std::int64_t>(distance_ns);
  return random.chance(500'000) ? signed_ns : -signed_ns;
}

} // namespace

misfortunes::misfortunes(world& in, const misfortune_options& options)
    : timed_event([](timed_event& self) noexcept { static_cast<misfortunes&>(self).ask(); }), world_(in),
      options_(options), random_(in.random().fork("misfortunes")) {
  random_.ask(nullptr); // when it asks is the seed's
  ask_later();
}

misfortunes::~misfortunes() {
  world_.cancel(*this);
}

void misfortunes::ask_later() {
  world_.after(random_.between(options_.pause_least_ns, options_.pause_most_ns), *this);
}

void misfortunes::ask() noexcept {
  if (world_.faults().is_stopped()) return;
  for (const auto& each : world_.hosts())
    if (each->is_up()) ask_about(*each);
  ask_later();
}

void misfortunes::ask_about(host& which) {
  fault_plan& faults = world_.faults();
  if (faults.happens(fault::clock_jump, which.number()))
    which.jump(drawn_jump_ns(faults.amounts(fault::clock_jump)));
  if (faults.happens(fault::clock_drift, which.number())) {
    const auto most = static_cast<std::uint64_t>(options_.drift_most_ppm);
    const std::uint64_t drawn = faults.amounts(fault::clock_drift).below(2 * most + 1);
    which.set_drift(static_cast<std::int32_t>(drawn) - options_.drift_most_ppm);
  }
  const bool is_mortal = std::find(mortal_.begin(), mortal_.end(), &which) != mortal_.end();
  if (is_mortal && faults.happens(fault::host_crash, which.number()))
    which.crash_at(world_.now_ns(),
                   faults.amounts(fault::host_crash).between(1'000'000, options_.down_most_ns));
}

} // namespace weir::sim
