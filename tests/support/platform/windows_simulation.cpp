// There are no simulated hosts in a Windows program yet: all is as the system has it.
#include <support/simulation.hpp>

#include <cstdlib>
#include <utility>

namespace weir::sim {
class thread {};
} // namespace weir::sim

namespace weir::test {

struct simulated_host::inside {};

simulated_host::simulated_host(std::uint64_t, bool) {
  std::abort(); // no backend_case asks for one
}

simulated_host::~simulated_host() = default;

simulated_host* simulated_host::current() noexcept {
  return nullptr;
}

std::size_t simulated_host::open_descriptors() noexcept {
  return 0;
}

bool simulated_host::raise(int) noexcept {
  return false;
}

result<std::unique_ptr<loop>> create_loop(const loop_options& options) {
  return loop::create(options);
}

peer_thread::peer_thread(std::move_only_function<void()> body) : real_(std::move(body)) {}

peer_thread::~peer_thread() = default;

} // namespace weir::test
