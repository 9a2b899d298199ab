#include <weir/io/proactor.hpp>

#include <array>

namespace weir {

std::string_view name_of(receive_strategy strategy) noexcept {
  static constexpr std::array<std::string_view, 6> names = {"automatic", "multishot",  "one_shot",
                                                            "adaptive",  "wait_first", "speculative"};
  return names[static_cast<std::size_t>(strategy)];
}

} // namespace weir
