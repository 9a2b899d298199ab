// scripted_proactor: a backend whose clock and outcomes belong to the test. Time passes only when the loop
// has nothing to do, nops complete at the next turn, and every other operation waits until the test completes
// it or it is cancelled. A loop that would wait for ever ends the program: nothing in a test can hang.
#pragma once

#include <weir/io/proactor.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace weir {

class scripted_proactor final : public proactor {
 public:
  using proactor::proactor;

  /// The next operation that is cancelled ends with this instead of -ECANCELED: a success that races.
  void succeed_at_cancel(int outcome) noexcept { outcome_at_cancel_ = outcome; }

  /// Completes the oldest operation that waits; false when there is none.
  bool complete_oldest(int outcome) noexcept {
    operation* oldest = held_.pop_front();
    if (oldest) finish(*oldest, outcome);
    return oldest != nullptr;
  }
  const operation* oldest() const noexcept { return held_.front(); }

  void start(operation& op) noexcept override {
    state_of(op) = operation_state::submitted;
    if (op.kind() == operation_kind::nop)
      finish(op, 0);
    else
      held_.push_back(op);
  }

  void cancel(operation& op) noexcept override {
    if (!held_.remove(op)) return;
    state_of(op) = operation_state::cancelling;
    finish(op, outcome_at_cancel_.value_or(-ECANCELED));
    outcome_at_cancel_.reset();
  }

  void wait(std::uint64_t timeout_ns) noexcept override {
    if (finished_.empty() && !is_woken_) pass_time(timeout_ns);
    is_woken_ = false;
    while (completed_.has_room()) {
      operation* op = finished_.pop_front();
      if (!op) break;
      completed_.push(*op, completion(kept_result_of(*op)));
    }
  }

  void wake() noexcept override { is_woken_ = true; }
  std::uint64_t now_ns() noexcept override { return now_ns_; }
  std::string_view name() const noexcept override { return "scripted"; }
  capability_mask capabilities() const noexcept override { return capability_mask(); }
  execution execution_of(operation_kind) const noexcept override { return execution::inline_; }

 private:
  void finish(operation& op, int outcome) noexcept {
    kept_result_of(op) = outcome;
    finished_.push_back(op);
  }
  void pass_time(std::uint64_t timeout_ns) noexcept {
    if (timeout_ns == no_timeout) {
      std::fprintf(stderr, "the loop waits for ever\n");
      std::abort();
    }
    now_ns_ += timeout_ns;
  }

  operation_queue held_;
  operation_queue finished_;
  std::optional<int> outcome_at_cancel_;
  std::uint64_t now_ns_ = 1'000'000'000;
  bool is_woken_ = false;
};

} // namespace weir
