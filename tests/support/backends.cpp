#include <weir/io/descriptor.hpp>

#include <linux/io_uring.h>
#include <support/backends.hpp>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ostream>
#include <string_view>

namespace weir::test {
namespace {

template <class... Capabilities>
constexpr capability_mask without(Capabilities... taken) {
  capability_mask allowed = capability_mask::all();
  (allowed.remove(taken), ...);
  return allowed;
}

using enum capability;
using strategy = receive_strategy;

constexpr backend_case on_kind_host = {"sim", backend::automatic, capability_mask::all(), strategy::automatic,
                                       false, simulation::kind};
constexpr backend_case on_hostile_host = {
    "sim_hostile", backend::automatic, capability_mask::all(), strategy::automatic,
    false,         simulation::hostile};

constexpr std::size_t real_cases = 9;

constexpr std::array<backend_case, 11> cases = {{
    {"io_uring", backend::io_uring, capability_mask::all(), strategy::automatic},
    {"io_uring_of_linux_6_1", backend::io_uring, without(bundles), strategy::automatic},
    {"io_uring_one_shot", backend::io_uring,
     without(multishot_accept, multishot_receive, bundles, multishot_message), strategy::automatic},
    {"io_uring_own_buffers", backend::io_uring, without(provided_buffers), strategy::automatic},
    {"io_uring_task_work_any_time", backend::io_uring, without(defer_taskrun), strategy::automatic},
    {"io_uring_restricted", backend::io_uring, capability_mask::all(), strategy::automatic, true},
    {"epoll_adaptive", backend::epoll, capability_mask::all(), strategy::adaptive},
    {"epoll_wait_first", backend::epoll, capability_mask::all(), strategy::wait_first},
    {"epoll_speculative", backend::epoll, capability_mask::all(), strategy::speculative},
    on_kind_host,
    on_hostile_host,
}};

constexpr std::array<backend_case, 6> cases_of_files = {{
    {"io_uring", backend::io_uring, capability_mask::all(), strategy::automatic},
    {"io_uring_task_work_any_time", backend::io_uring, without(defer_taskrun), strategy::automatic},
    {"io_uring_files_on_threads", backend::io_uring, without(files), strategy::automatic},
    {"epoll", backend::epoll, capability_mask::all(), strategy::automatic},
    on_kind_host,
    on_hostile_host,
}};

} // namespace

loop_options backend_case::options() const {
  loop_options options;
  options.backend = which;
  options.io.allowed = allowed;
  options.io.strategy = strategy;
  options.io.restricted = is_restricted;
  return options;
}

std::span<const backend_case> all_backends() {
  return std::span(cases).first<real_cases>();
}

std::span<const backend_case> simulated_backends() {
  return std::span(cases).subspan<real_cases>();
}

std::span<const backend_case> contract_backends() {
  return cases;
}

std::span<const backend_case> file_backends() {
  return cases_of_files;
}

bool is_on_simulated_hosts() {
  const char* const wanted = std::getenv("WEIR_TEST_BACKENDS");
  return wanted && std::string_view(wanted) == "simulated";
}

void PrintTo(const backend_case& which, std::ostream* out) {
  *out << which.name;
}

std::string why_no_io_uring() {
  io_uring_params parameters{};
  const descriptor ring(static_cast<int>(::syscall(SYS_io_uring_setup, 1, &parameters)));
  return ring ? "" : std::string("io_uring_setup: ") + std::strerror(errno);
}

} // namespace weir::test
