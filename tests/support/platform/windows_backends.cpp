#include <support/backends.hpp>

#include <array>

namespace weir::test {
namespace {

constexpr std::array<backend_case, 1> cases = {{
    {"iocp", backend::iocp, capability_mask::all(), receive_strategy::automatic},
}};

} // namespace

std::span<const backend_case> all_backends() {
  return cases;
}

std::span<const backend_case> simulated_backends() {
  return {};
}

std::span<const backend_case> contract_backends() {
  return cases;
}

std::span<const backend_case> file_backends() {
  return cases;
}

bool is_on_simulated_hosts() {
  return false;
}

void use_backend(const backend_case&) {}

result<chosen_backend> choose_backend_of_test(const loop_options& options, completion_queue& completed,
                                              buffer_pool& pool, loop_counters& counters) {
  return choose_backend(options.backend, options.io, completed, pool, counters);
}

void settle_backends() {}

std::string why_no_io_uring() {
  return "io_uring is Linux's";
}

} // namespace weir::test
