// port: what the operations of one loop wait for on one file: the line of those who read, of those who
// write, and those who poll. The first of a line is served first.
#pragma once

#include <weir/sim/sim_proactor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::sim {

class sim_proactor::port final : public file_watcher, public list_hook<>, public list_hook<fault> {
 public:
  port(sim_proactor& of) noexcept : file_watcher(&of), proactor(of) {}

  using ready_hook = list_hook<>;
  using starved_hook = list_hook<fault>; // the tag only tells it from the other

  void file_changed() noexcept override { mark_ready(); }
  void file_closed() noexcept override { proactor.file_closed(*this); }
  void mark_ready() noexcept {
    if (!ready_hook::is_linked()) proactor.ready_.push_back(*this);
  }

  bool is_idle() const noexcept { return readers.empty() && writers.empty() && polls.empty(); }

  sim_proactor& proactor;
  file_ref on;
  operation_queue readers;
  operation_queue writers;
  operation_queue polls;
};

/// What happens to an operation later.
struct sim_proactor::delayed_step : timed_event {
  explicit delayed_step(sim_proactor& of) noexcept
      : timed_event([](timed_event& self) noexcept {
          auto& me = static_cast<delayed_step&>(self);
          me.owner.step_due(me);
        }),
        owner(of) {}

  sim_proactor& owner;
  operation* op = nullptr;
  step then = nullptr;
  std::span<const std::byte> lent; ///< what the kernel still reads: nobody may change it before
  std::uint64_t lent_sum = 0;
  int pieces_left = 0; ///< of a cancellation that comes late: what may be received before it
};

} // namespace weir::sim
