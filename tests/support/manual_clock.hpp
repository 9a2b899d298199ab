// manual_clock: the time of a loop that passes only when a test says so, on a real backend: what is said
// about durations holds on a machine that is busy, too. While nothing happens the loop looks again each
// millisecond.
#pragma once

#include <weir/io/backend.hpp>
#include <weir/io/loop.hpp>

#include <support/backends.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

namespace weir::test {

class manual_clock {
 public:
  manual_clock() = default;
  manual_clock(const manual_clock&) = delete;
  manual_clock& operator=(const manual_clock&) = delete;

  void advance(std::chrono::nanoseconds by) noexcept { now_ns_ += static_cast<std::uint64_t>(by.count()); }

  /// For `loop::create`. The clock outlives the loop.
  loop::backend_factory backends() {
    return [this](const loop_options& options, completion_queue& completed, buffer_pool& pool,
                  loop_counters& counters) -> result<chosen_backend> {
      auto chosen = choose_backend_of_test(options, completed, pool, counters);
      if (!chosen) return fail(std::move(chosen).error());
      auto timed = std::make_unique<timed_proactor>(now_ns_, std::move(chosen->implementation), completed,
                                                    pool, counters);
      return chosen_backend(std::move(timed), std::move(chosen->reason));
    };
  }

 private:
  class timed_proactor final : public proactor {
   public:
    timed_proactor(const std::uint64_t& now, std::unique_ptr<proactor> real, completion_queue& completed,
                   buffer_pool& pool, loop_counters& counters) noexcept
        : proactor(completed, pool, counters), now_(now), real_(std::move(real)) {}

    void start(operation& op) noexcept override { real_->start(op); }
    void cancel(operation& op) noexcept override { real_->cancel(op); }
    void wait(std::uint64_t timeout_ns) noexcept override {
      constexpr std::uint64_t look_again_ns = 1'000'000;
      real_->wait(std::min(timeout_ns, look_again_ns));
    }
    void poll() noexcept override { real_->poll(); }
    void wake() noexcept override { real_->wake(); }
    std::uint64_t now_ns() noexcept override { return now_; }
    std::string_view name() const noexcept override { return real_->name(); }
    capability_mask capabilities() const noexcept override { return real_->capabilities(); }
    execution execution_of(operation_kind kind) const noexcept override { return real_->execution_of(kind); }

   private:
    const std::uint64_t& now_;
    std::unique_ptr<proactor> real_;
  };

  std::uint64_t now_ns_ = 1'000'000'000;
};

} // namespace weir::test
