// `weir top` as text: what its terminal view and `--once` show.
#pragma once

#include "top_snapshot.hpp"

#include <cstddef>
#include <string>

namespace weir::app {

struct top_layout {
  bool colour = false;
  std::size_t rows_max = 10; ///< of connections and of handlers
};

/// Rates are those since `before`.
std::string top_text(const top_snapshot& now, const top_snapshot& before, const top_layout& layout);

} // namespace weir::app
