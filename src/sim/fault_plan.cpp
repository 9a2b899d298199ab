#include <weir/sim/fault_plan.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace weir::sim {
namespace {

template <std::size_t... index>
std::array<random_source, fault_count> streams_of(const random_source& random,
                                                  std::index_sequence<index...>) noexcept {
  return {random.fork(name_of(static_cast<fault>(index)))...};
}

/// Half of all kinds are off; the others come as often as they may, or 8, 64 or 512 times more rarely.
std::uint32_t drawn_probability(random_source& random, fault kind) noexcept {
  const bool is_off = random.chance(500'000);
  const std::uint64_t magnitude = random.below(4);
  return is_off ? 0 : std::max(per_million_max(kind) >> (3 * magnitude), std::uint32_t{1});
}

} // namespace

fault_plan::fault_plan(const random_source& random, trace& log) noexcept
    : streams_(streams_of(random.fork("faults"), std::make_index_sequence<fault_count>())), log_(log) {
  for (std::size_t i = 0; i < fault_count; ++i)
    per_million_[i] = drawn_probability(streams_[i], static_cast<fault>(i));
}

bool fault_plan::draws(fault kind) noexcept {
  const std::size_t index = index_of(kind);
  if (is_systematic_) return systematic_.test(index) && questions_++ == yes_at_;
  return streams_[index].chance(per_million_[index]);
}

bool fault_plan::happens(fault kind, std::uint32_t host, std::uint64_t subject) noexcept {
  if (stopped_ || events_ >= events_max_ || !draws(kind)) return false;
  log_.note(event::fault, host, subject, index_of(kind), events_);
  ++counts_[index_of(kind)];
  ++events_;
  return true;
}

void fault_plan::only_at(std::uint64_t question, const fault_set& kinds) noexcept {
  is_systematic_ = true;
  yes_at_ = question;
  systematic_ = kinds;
}

void fault_plan::ask(random_source::chooser& whom, const fault_set& kinds) noexcept {
  for (std::size_t i = 0; i < fault_count; ++i) {
    per_million_[i] = kinds.test(i) ? per_million_max(static_cast<fault>(i)) : 0;
    streams_[i].ask(&whom);
  }
}

void fault_plan::limit_to(const fault_set& kinds) noexcept {
  for (std::size_t i = 0; i < fault_count; ++i)
    if (!kinds.test(i)) per_million_[i] = 0;
}

} // namespace weir::sim
