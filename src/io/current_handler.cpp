#include <weir/io/current_handler.hpp>

#include <array>

namespace weir {

std::string_view name_of(loop_phase phase) noexcept {
  static constexpr std::array<std::string_view, loop_phase_count> names = {
      "waiting", "inbox", "timers", "completions", "deferred", "end_of_turn"};
  return names[static_cast<std::size_t>(phase)];
}

} // namespace weir
