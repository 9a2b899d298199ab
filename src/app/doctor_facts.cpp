#include "doctor_facts.hpp"

#include <weir/io/epoll_reactor.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/reactive_proactor.hpp>
#include <weir/io/uring_proactor.hpp>

#include <fmt/format.h>

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace weir::app {
namespace {

struct known_capability {
  capability which;
  kernel_version since;
  const char* meaning;
};

constexpr std::array<known_capability, 9> known_capabilities = {
    {{capability::defer_taskrun, {6, 1}, "completions are made only when the loop asks for them"},
     {capability::multishot_accept, {5, 19}, "one request accepts many connections"},
     {capability::provided_buffers, {5, 19}, "a read takes a buffer only when data is there"},
     {capability::multishot_receive, {6, 0}, "one request reads again and again"},
     {capability::bundles, {6, 10}, "one read fills several buffers"},
     {capability::send_zero_copy, {6, 0}, "large writes without the kernel's copy"},
     {capability::poll_first, {5, 19}, "a read that is known to find nothing waits at once"},
     {capability::files, {5, 11}, "files are read and written without threads of ours"},
     {capability::multishot_message, {6, 0}, "one request receives datagrams again and again"}}};

std::optional<std::string> environment(const char* name) {
  const char* const value = std::getenv(name);
  if (!value || !*value) return std::nullopt;
  return value;
}

capability_mask allowed_by(const std::optional<std::string>& override_text) {
  if (!override_text) return capability_mask::all();
  return capability_mask::parse(*override_text).value_or(capability_mask::all());
}

// --- each backend by itself ---

/// Where a backend lives that is only looked at.
struct probe_bench {
  completion_queue completed{64};
  buffer_pool pool;
  loop_counters counters;
};

void note(backend_fact& fact, const proactor& found) {
  fact.capabilities = found.capabilities();
  for (std::size_t kind = 0; kind < operation_kind_count; ++kind)
    fact.executions[kind] = found.execution_of(static_cast<operation_kind>(kind));
}

backend_fact examine_io_uring(capability_mask allowed, const std::optional<std::string>& disabled) {
  backend_fact fact;
  fact.name = "io_uring";
  probe_bench bench;
  proactor_options options;
  options.allowed = allowed;
  const auto made = uring_proactor::create(bench.completed, bench.pool, bench.counters, options);
  if (made) {
    note(fact, **made);
    return fact;
  }
  fact.why_unavailable = made.error().message();
  if (disabled && *disabled != "0")
    fact.why_unavailable += fmt::format(" (kernel.io_uring_disabled is {})", *disabled);
  return fact;
}

backend_fact examine_epoll() {
  backend_fact fact;
  fact.name = "epoll";
  probe_bench bench;
  auto reactor = epoll_reactor::create(bench.counters);
  if (reactor)
    note(fact, reactive_proactor(std::move(*reactor), bench.completed, bench.pool, bench.counters));
  else
    fact.why_unavailable = reactor.error().message();
  return fact;
}

// --- what was chosen ---

std::string why_missing(const known_capability& missing, const doctor_facts& facts, capability_mask found) {
  if (facts.backend != "io_uring") return "a capability of io_uring";
  if (!allowed_by(facts.capabilities_override).has(missing.which)) return "taken away by WEIR_CAPABILITIES";
  const bool needs_buffers = missing.which == capability::multishot_receive ||
                             missing.which == capability::multishot_message ||
                             missing.which == capability::bundles;
  if (needs_buffers && !found.has(capability::provided_buffers)) return "needs provided_buffers";
  if (facts.machine.kernel < missing.since)
    return fmt::format("needs Linux {}.{}", missing.since.major_number, missing.since.minor_number);
  if (missing.which == capability::bundles && facts.machine.kernel == kernel_version{6, 15})
    return "Linux 6.15 may lose bytes with them";
  return "not proven by the self-test";
}

std::vector<capability_fact> capabilities_of(const doctor_facts& facts, capability_mask found) {
  std::vector<capability_fact> all;
  for (const known_capability& each : known_capabilities)
    all.push_back(
        {each.which, each.meaning, found.has(each.which) ? std::string() : why_missing(each, facts, found)});
  return all;
}

/// What `automatic` means (proactor.hpp, receive_strategy).
receive_strategy strategy_used(receive_strategy wanted, const proactor& chosen) {
  if (wanted != receive_strategy::automatic) return wanted;
  if (chosen.name() != "io_uring") return receive_strategy::adaptive;
  const bool is_multishot = chosen.capabilities().has(capability::multishot_receive);
  return is_multishot ? receive_strategy::multishot : receive_strategy::one_shot;
}

std::vector<loop_setting> settings_of(const loop_options& options) {
  using enum loop_setting::quantity;
  return {
      {"buffers.budget_bytes", options.buffers.budget_bytes, bytes, "received and not taken, all streams"},
      {"buffers.slot_bytes", options.buffers.slot_bytes, bytes, "most that one receive gives in one piece"},
      {"send_buffers.budget_bytes", options.send_buffers.budget_bytes, bytes, "pool of written bytes"},
      {"send_buffers.slot_bytes", options.send_buffers.slot_bytes, bytes, "most that is gathered in a piece"},
      {"stream_credit_bytes", options.stream_credit_bytes, bytes, "unread: its receive pauses"},
      {"stream_send_bytes", options.stream_send_bytes, bytes, "unsent: its writers wait"},
      {"io.quantum_bytes", options.io.quantum_bytes, bytes, "most that a stream receives a turn (epoll)"},
      {"io.ring_slots", options.io.ring_slots, count, "slots that wait in the kernel (io_uring)"},
      {"io.operations_max", options.io.operations_max, count, "submitted at once; more of them park"},
      {"io.queue_entries", options.io.queue_entries, count, "submission entries (io_uring)"},
      {"completion_capacity", options.completion_capacity, count, "completions that wait, a lane"},
      {"inbox_max", options.inbox_max, count, "posted by other threads and not run"},
      {"phase_budget", options.phase_budget, count, "handlers that a phase runs in a turn"},
      {"turn_budget_ns", options.turn_budget_ns, nanoseconds, "after which a phase ends"},
      {"spin_ns", options.spin_ns, nanoseconds, "before an idle loop sleeps"},
  };
}

} // namespace

std::string_view name_of(execution how) noexcept {
  switch (how) {
  case execution::kernel:
    return "kernel";
  case execution::readiness:
    return "readiness";
  case execution::inline_:
    return "inline";
  case execution::offloaded:
    return "offloaded";
  }
  return "unknown";
}

result<doctor_facts> examine() {
  const auto made = loop::create();
  if (!made) return fail(made.error());
  loop& chosen = **made;

  doctor_facts facts;
  facts.machine = this_machine();
  facts.backend = chosen.backend().name();
  facts.reason = chosen.backend_reason();
  const receive_strategy wanted = chosen.options().io.strategy;
  facts.strategy_wanted = weir::name_of(wanted);
  facts.strategy_used = weir::name_of(strategy_used(wanted, chosen.backend()));
  facts.backend_override = environment("WEIR_BACKEND");
  facts.capabilities_override = environment("WEIR_CAPABILITIES");
  facts.capabilities = capabilities_of(facts, chosen.backend().capabilities());
  facts.backends.push_back(
      examine_io_uring(allowed_by(facts.capabilities_override), facts.machine.io_uring_disabled));
  facts.backends.push_back(examine_epoll());
  facts.defaults = settings_of(chosen.options());
  return facts;
}

} // namespace weir::app
