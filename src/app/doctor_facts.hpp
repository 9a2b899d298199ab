// doctor_facts: what `weir doctor` finds out: the machine, what weir chose on it and why, and what each
// backend does with each operation. doctor_text.cpp and doctor_json.cpp tell it.
#pragma once

#include "machine.hpp"

#include <weir/base/result.hpp>
#include <weir/io/capabilities.hpp>
#include <weir/io/operation.hpp>
#include <weir/io/proactor.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::app {

struct capability_fact {
  capability which;
  const char* meaning;
  std::string why_missing; ///< empty: it is there
};

/// One backend on this machine, whether or not it was chosen.
struct backend_fact {
  std::string name;
  std::string why_unavailable; ///< empty: it can be used
  capability_mask capabilities;
  std::array<execution, operation_kind_count> executions{}; ///< by operation_kind; only where it can be used

  bool is_available() const noexcept { return why_unavailable.empty(); }
};

struct loop_setting {
  enum class quantity : std::uint8_t { count, bytes, nanoseconds };

  const char* name; ///< the member of loop_options; names its unit
  std::uint64_t value;
  quantity unit;
  const char* meaning;
};

struct doctor_facts {
  weir::app::machine machine;
  std::string backend; ///< the chosen one
  std::string reason;
  std::string strategy_wanted;
  std::string strategy_used;
  std::optional<std::string> backend_override;      ///< WEIR_BACKEND
  std::optional<std::string> capabilities_override; ///< WEIR_CAPABILITIES
  std::vector<capability_fact> capabilities;        ///< of the chosen backend, all that there are
  std::vector<backend_fact> backends;
  std::vector<loop_setting> defaults;
};

/// Makes a loop as every program does. Fails where that fails: the environment asks for what is not there, or
/// is misspelt.
result<doctor_facts> examine();

std::string_view name_of(execution how) noexcept;

/// The reports, with a line end each.
std::string doctor_text(const doctor_facts& facts, bool in_colour);
std::string doctor_json(const doctor_facts& facts);

} // namespace weir::app
