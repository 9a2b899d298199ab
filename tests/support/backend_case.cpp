#include <support/backends.hpp>

#include <ostream>

namespace weir::test {

loop_options backend_case::options() const {
  loop_options options;
  options.backend = which;
  options.io.allowed = allowed;
  options.io.strategy = strategy;
  options.io.restricted = is_restricted;
  return options;
}

void PrintTo(const backend_case& which, std::ostream* out) {
  *out << which.name;
}

} // namespace weir::test
