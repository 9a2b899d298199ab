// Tables by descriptor number: as long as the largest number seen so far, and never shorter again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <vector>

namespace weir {

/// Makes room for `index`, by doubling, so that many descriptors cost few allocations. False: there is no
/// memory.
template <class T>
bool grow_to(std::vector<T>& table, std::size_t index) noexcept {
  if (index < table.size()) return true;
  try {
    table.resize(std::max(index + 1, table.size() * 2));
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

} // namespace weir
