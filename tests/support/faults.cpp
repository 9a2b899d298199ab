#include <support/faults.hpp>
#include <support/sanitized.hpp>

#include <atomic>
#include <ostream>

namespace weir::test {
namespace {

struct plan {
  bool is_armed = false;
  bool was_met = false;
  bool is_spared = false;
  fault_kind kind = fault_kind::operation;
  std::uint64_t steps_left = 0;
  std::uint64_t allocations_at_strike = 0;
  const char* where = "";
};
thread_local plan planned;

/// What is planned for the threads that have no plan of their own.
std::atomic<std::uint64_t> offloaded_calls_left{0};
std::atomic<const char*> offloaded_where{nullptr}; ///< null: not met

} // namespace

std::string_view name_of(fault_kind kind) noexcept {
  switch (kind) {
  case fault_kind::allocation:
    return "allocation";
  case fault_kind::system_call:
    return "system_call";
  case fault_kind::offloaded_call:
    return "offloaded_call";
  case fault_kind::operation:
    return "operation";
  }
  return "";
}

void PrintTo(fault_kind kind, std::ostream* out) {
  *out << name_of(kind);
}

bool can_fail(fault_kind kind) noexcept {
  return !is_sanitized || kind == fault_kind::operation;
}

planned_fault::planned_fault(fault_kind kind, std::uint64_t nth) noexcept {
  planned = plan{true, false, false, kind, nth, allocations_of_this_thread() + nth, ""};
  if (kind == fault_kind::allocation && !fail_allocation(nth)) planned.is_armed = false;
  if (kind != fault_kind::offloaded_call) return;
  offloaded_where = nullptr;
  offloaded_calls_left = nth;
}

planned_fault::~planned_fault() {
  if (planned.kind == fault_kind::allocation) (void)fail_allocation(0);
  offloaded_calls_left = 0;
  planned = plan{};
}

bool planned_fault::was_met() const noexcept {
  if (planned.kind == fault_kind::offloaded_call) return offloaded_where != nullptr;
  if (planned.kind != fault_kind::allocation) return planned.was_met;
  return planned.is_armed && allocations_of_this_thread() >= planned.allocations_at_strike;
}

std::string_view planned_fault::where() const noexcept {
  const char* const elsewhere = offloaded_where;
  return planned.kind == fault_kind::offloaded_call && elsewhere ? elsewhere : planned.where;
}

bool planned_fault::strikes(fault_kind kind, const char* step) noexcept {
  if (!planned.is_armed || planned.is_spared || planned.kind != kind) return false;
  if (planned.steps_left == 0 || --planned.steps_left > 0) return false;
  planned.was_met = true;
  planned.where = step;
  return true;
}

bool planned_fault::strikes_call(const char* name) noexcept {
  if (planned.is_armed) return strikes(fault_kind::system_call, name);
  std::uint64_t left = offloaded_calls_left;
  while (left > 0 && !offloaded_calls_left.compare_exchange_weak(left, left - 1)) {
  }
  if (left != 1) return false;
  offloaded_where = name;
  return true;
}

spared::spared() noexcept : allocations_before_(allocations_of_this_thread()) {
  planned.is_spared = true;
  if (planned.kind == fault_kind::allocation) (void)fail_allocation(0);
}

spared::~spared() {
  planned.is_spared = false;
  if (!planned.is_armed || planned.kind != fault_kind::allocation) return;
  if (planned.allocations_at_strike <= allocations_before_) return; // it was met before
  const std::uint64_t now = allocations_of_this_thread();
  planned.allocations_at_strike += now - allocations_before_;
  (void)fail_allocation(planned.allocations_at_strike - now);
}

} // namespace weir::test
