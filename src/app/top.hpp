// weir top: a view of a running process, by the socket of its inspector (runtime/inspector.hpp).
#pragma once

#include <chrono>
#include <string>

namespace weir::app {

struct top_options {
  std::string path;
  std::chrono::milliseconds interval{1'000};
  bool once = false;
  bool json = false;
};

int run_top(const top_options& options);

} // namespace weir::app
