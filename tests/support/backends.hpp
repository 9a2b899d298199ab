// The backends, and the ways to run them, that one contract suite must pass on.
#pragma once

#include <weir/io/loop.hpp>

#include <iosfwd>
#include <span>
#include <string>

namespace weir::test {

/// Whether a simulated host stands in for the kernel (support/simulation.hpp), and whether it is kind.
enum class simulation : std::uint8_t { none, kind, hostile };

/// Makes a backend that is a component and so nothing that `choose_backend` knows.
using backend_maker = result<chosen_backend> (*)(const loop_options&, completion_queue&, buffer_pool&,
                                                 loop_counters&);

struct backend_case {
  const char* name;
  backend which;
  capability_mask allowed;
  receive_strategy strategy;
  bool is_restricted = false;
  simulation simulated = simulation::none;
  backend_maker maker = nullptr;

  bool is_io_uring() const noexcept { return which == backend::io_uring; }
  bool is_simulated() const noexcept { return simulated != simulation::none; }
  loop_options options() const;
};

/// The one on kqueue is among them where weir::kqueue is built.
std::span<const backend_case> all_backends();
std::span<const backend_case> simulated_backends();
/// All of them.
std::span<const backend_case> contract_backends();
/// Those that differ in how operations on files are carried out.
std::span<const backend_case> file_backends();
/// Whether this run takes what stands above operations to simulated hosts (WEIR_TEST_BACKENDS=simulated)
/// instead of real backends.
bool is_on_simulated_hosts();

/// From now on `choose_backend_of_test` makes this one. For fixtures.
void use_backend(const backend_case& which);
/// `choose_backend`, or what makes the backend of the test.
result<chosen_backend> choose_backend_of_test(const loop_options& options, completion_queue& completed,
                                              buffer_pool& pool, loop_counters& counters);
/// Waits for what backends leave behind: the emulation of kqueue closes its descriptors in a thread of its
/// own.
void settle_backends();
void PrintTo(const backend_case& which, std::ostream* out);

/// Why io_uring cannot be used on this machine; empty where the kernel lets us.
std::string why_no_io_uring();

} // namespace weir::test
