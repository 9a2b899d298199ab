#include "control_data.hpp"

#include <new>

namespace weir {

std::vector<descriptor> take_descriptors(std::span<const std::byte> control, std::size_t count_max,
                                         bool& were_lost) noexcept {
  std::vector<descriptor> taken;
  for_each_control_item(control, [&](int level, int type, std::span<const std::byte> numbers) {
    if (level != SOL_SOCKET || type != SCM_RIGHTS) return;
    for (; numbers.size() >= sizeof(int); numbers = numbers.subspan(sizeof(int))) {
      descriptor owned(value_of<int>(numbers));
      try {
        if (taken.size() < count_max)
          taken.push_back(std::move(owned)); // where it throws, `owned` owns still
        else
          were_lost = true;
      } catch (const std::bad_alloc&) {
        were_lost = true;
      }
    }
  });
  return taken;
}

} // namespace weir
