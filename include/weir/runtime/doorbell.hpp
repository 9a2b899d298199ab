// doorbell: how other threads wake what waits on a loop, and only while somebody waits.
//
// Who waits says so (`listen`) and then looks once more whether what it waits for has come; who brings it
// says so with an operation that is sequentially consistent and then rings. One of the two sees the other:
// nothing is missed, and a ring that nobody waits for costs one load. What is rung runs on the loop, in phase
// 1 of a turn (docs/loop.md).
//
// Thread rule: `ring` from any thread, the rest on the loop's. Lifetime: outlives every `ring`; before it
// dies `leave` says whether one is on its way still: then `on_ring` runs once more, at the latest while the
// loop ends. Bound: at most once in the loop's inbox, which therefore does not refuse it.
#pragma once

#include <weir/io/loop.hpp>
#include <weir/io/work.hpp>

#include <atomic>
#include <cstdint>

namespace weir {

class doorbell : private work {
 public:
  using function = void (*)(doorbell& self) noexcept;
  explicit doorbell(function on_ring) noexcept
      : work([](work& self) noexcept { static_cast<doorbell&>(self).heard(); }), on_ring_(on_ring) {}

  /// Before the first `listen`.
  void install(loop& home) noexcept { home_ = &home; }

  /// From here on a ring is heard, once.
  void listen() noexcept {
    state expected = state::quiet; // one that has rung already is going to be heard
    state_.compare_exchange_strong(expected, state::listening, std::memory_order_seq_cst);
  }
  /// Nobody waits any more. A ring that is on its way is heard still.
  void silence() noexcept {
    state expected = state::listening;
    state_.compare_exchange_strong(expected, state::quiet, std::memory_order_seq_cst);
  }
  /// The last call: false when a ring is on its way.
  [[nodiscard]] bool leave() noexcept;

  void ring() noexcept {
    if (state_.load(std::memory_order_seq_cst) == state::listening) post();
  }

 private:
  enum class state : std::uint8_t { quiet, listening, rung };

  void post() noexcept;
  void heard() noexcept;

  function on_ring_;
  loop* home_ = nullptr;
  std::atomic<state> state_{state::quiet};
  bool is_leaving_ = false;
};

} // namespace weir
