// Operations on files.
#include <weir/sim/sim_proactor.hpp>

#include <cerrno>

namespace weir::sim {

void sim_proactor::begin_on_file(operation& op) noexcept {
  complete(op, -ENOSYS);
}

void sim_proactor::cancel_on_file(operation&) noexcept {}

} // namespace weir::sim
