#include <weir/io/descriptor.hpp>
#ifdef WEIR_HAS_KQUEUE
#include <weir/io/kqueue_backend.hpp>
#include <weir/io/kqueue_reactor.hpp>
#endif

#include <linux/io_uring.h>
#include <support/backends.hpp>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <vector>

#ifdef WEIR_HAS_KQUEUE
extern "C" void libkqueue_drain_pending_close(); // exported, and in no header
#endif

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

#ifdef WEIR_HAS_KQUEUE
constexpr backend_case on_kqueue[] = {{"kqueue", backend::automatic, capability_mask::all(),
                                       strategy::automatic, false, simulation::none, kqueue_backend}};
constexpr std::span<const backend_case> kqueue_cases = on_kqueue;
#else
constexpr std::span<const backend_case> kqueue_cases;
#endif

/// The maker of the test's backend; null: `choose_backend`.
backend_maker current_maker = nullptr;

constexpr std::array<backend_case, 9> real_cases = {{
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
}};

constexpr std::array<backend_case, 2> simulated_cases = {{on_kind_host, on_hostile_host}};

constexpr std::array<backend_case, 4> cases_of_files = {{
    {"io_uring", backend::io_uring, capability_mask::all(), strategy::automatic},
    {"io_uring_task_work_any_time", backend::io_uring, without(defer_taskrun), strategy::automatic},
    {"io_uring_files_on_threads", backend::io_uring, without(files), strategy::automatic},
    {"epoll", backend::epoll, capability_mask::all(), strategy::automatic},
}};

std::vector<backend_case> joined(std::initializer_list<std::span<const backend_case>> parts) {
  std::vector<backend_case> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

} // namespace

std::span<const backend_case> all_backends() {
  static const std::vector<backend_case> all = joined({real_cases, kqueue_cases});
  return all;
}

std::span<const backend_case> simulated_backends() {
  return simulated_cases;
}

std::span<const backend_case> contract_backends() {
  static const std::vector<backend_case> all = joined({all_backends(), simulated_cases});
  return all;
}

std::span<const backend_case> file_backends() {
  static const std::vector<backend_case> all = joined({cases_of_files, kqueue_cases, simulated_cases});
  return all;
}

bool is_on_simulated_hosts() {
  const char* const wanted = std::getenv("WEIR_TEST_BACKENDS");
  return wanted && std::string_view(wanted) == "simulated";
}

void use_backend(const backend_case& which) {
  current_maker = which.maker;
}

result<chosen_backend> choose_backend_of_test(const loop_options& options, completion_queue& completed,
                                              buffer_pool& pool, loop_counters& counters) {
  if (current_maker) return current_maker(options, completed, pool, counters);
  return choose_backend(options.backend, options.io, completed, pool, counters);
}

void settle_backends() {
#ifdef WEIR_HAS_KQUEUE
  // The first kqueue of a process makes two descriptors that stay.
  static loop_counters unread;
  [[maybe_unused]] static const bool was_made = kqueue_reactor::create(unread).has_value();
  libkqueue_drain_pending_close();
#endif
}

std::string why_no_io_uring() {
  io_uring_params parameters{};
  const descriptor ring(static_cast<int>(::syscall(SYS_io_uring_setup, 1, &parameters)));
  return ring ? "" : std::string("io_uring_setup: ") + std::strerror(errno);
}

} // namespace weir::test
