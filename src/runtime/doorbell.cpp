#include <weir/runtime/doorbell.hpp>

namespace weir {

bool doorbell::leave() noexcept {
  silence();
  if (state_.load(std::memory_order_seq_cst) != state::rung) return true;
  is_leaving_ = true;
  home_->expect_answer();
  return false;
}

void doorbell::post() noexcept {
  state expected = state::listening;
  if (state_.compare_exchange_strong(expected, state::rung, std::memory_order_seq_cst))
    home_->post_answer(*this);
}

void doorbell::heard() noexcept {
  state_.store(state::quiet, std::memory_order_seq_cst);
  if (is_leaving_) home_->answer_taken();
  on_ring_(*this); // may be its end
}

} // namespace weir
