// current_handler: what a loop is doing at this moment, as other threads see it: the phase of its turn and,
// in phase 3, the operation whose handler runs. The loop publishes it in a seqlock: a change costs a few
// plain stores. Its number grows with every handler and phase, so whoever looks twice knows whether it is the
// same.
#pragma once

#include <weir/base/seqlock.hpp>
#include <weir/io/operation.hpp>

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string_view>

namespace weir {

/// Of a turn (docs/loop.md).
enum class loop_phase : std::uint8_t {
  waiting, ///< in the kernel, or outside of any turn: nothing is held up
  inbox,
  timers,
  completions,
  deferred, ///< coroutines that were woken, and what was deferred
  end_of_turn,
};
inline constexpr std::size_t loop_phase_count = 6;
std::string_view name_of(loop_phase phase) noexcept;

struct current_handler {
  current_handler() noexcept = default;
  current_handler(loop_phase of_phase, std::uint64_t begun_ns) noexcept
      : since_ns(begun_ns), phase(of_phase) {}
  current_handler(const operation& op, std::uint64_t begun_ns) noexcept
      : since_ns(begun_ns), where(op.started_from()), descriptor(op.descriptor()),
        phase(loop_phase::completions), kind(op.kind()), lane(op.in_lane()), has_operation(true) {}

  /// Loop time: when the turn began or, with `loop_options::measure_handlers`, the handler.
  std::uint64_t since_ns = 0;
  std::source_location where; ///< that started the operation: where it is awaited
  std::int32_t descriptor = -1;
  loop_phase phase = loop_phase::waiting;
  operation_kind kind = operation_kind::nop;
  weir::lane lane = weir::lane::normal;
  bool has_operation = false; ///< else kind, lane, descriptor and where say nothing
};

using current_handler_cell = seqlock<current_handler>;

} // namespace weir
