#include <weir/io/counters.hpp>

namespace weir {

std::string_view name_of(system_call which) noexcept {
  static constexpr std::array<std::string_view, system_call_count> names = {
      "wait", "submit", "interest", "accept",   "connect", "receive",
      "send", "poll",   "close",    "shutdown", "wake",    "other"};
  return names[static_cast<std::size_t>(which)];
}

} // namespace weir
