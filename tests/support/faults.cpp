#include <support/faults.hpp>
#include <support/sanitized.hpp>

#include <ostream>

namespace weir::test {
namespace {

struct plan {
  bool is_armed = false;
  bool was_met = false;
  fault_kind kind = fault_kind::operation;
  std::uint64_t steps_left = 0;
  std::uint64_t allocations_at_strike = 0;
  const char* where = "";
};
thread_local plan planned;

} // namespace

std::string_view name_of(fault_kind kind) noexcept {
  switch (kind) {
  case fault_kind::allocation:
    return "allocation";
  case fault_kind::system_call:
    return "system_call";
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
  planned = plan{true, false, kind, nth, allocations_of_this_thread() + nth, ""};
  if (kind == fault_kind::allocation && !fail_allocation(nth)) planned.is_armed = false;
}

planned_fault::~planned_fault() {
  if (planned.kind == fault_kind::allocation) (void)fail_allocation(0);
  planned = plan{};
}

bool planned_fault::was_met() const noexcept {
  if (planned.kind != fault_kind::allocation) return planned.was_met;
  return planned.is_armed && allocations_of_this_thread() >= planned.allocations_at_strike;
}

std::string_view planned_fault::where() const noexcept {
  return planned.where;
}

bool planned_fault::strikes(fault_kind kind, const char* step) noexcept {
  if (!planned.is_armed || planned.kind != kind || planned.steps_left == 0 || --planned.steps_left > 0)
    return false;
  planned.was_met = true;
  planned.where = step;
  return true;
}

} // namespace weir::test
