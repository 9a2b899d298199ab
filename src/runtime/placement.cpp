#include <weir/runtime/placement.hpp>

#include <array>

namespace weir {
namespace {

constexpr std::array placements{placement::reuse_port, placement::round_robin, placement::least_loaded};

} // namespace

std::string_view name_of(placement how) noexcept {
  constexpr std::array<std::string_view, placements.size()> names{"reuse_port", "round_robin",
                                                                  "least_loaded"};
  return names[static_cast<std::size_t>(how)];
}

result<placement> parse_placement(std::string_view text) {
  for (const placement each : placements)
    if (name_of(each) == text) return each;
  return fail(errc::invalid_argument, "placement: reuse_port, round_robin or least_loaded");
}

} // namespace weir
