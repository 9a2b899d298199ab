// A test with a loop on one of the backends. At its end nothing may be left: no operation, no completion, no
// slot of the pool beyond what an idle backend holds, no descriptor.
#pragma once

#include <gtest/gtest.h>
#include <support/backends.hpp>
#include <support/recorded.hpp>
#include <support/simulation.hpp>
#include <support/turning.hpp>

#include <cstddef>
#include <memory>

namespace weir::test {

class loop_fixture : public testing::Test {
 protected:
  loop_fixture();
  void TearDown() override;

  /// Makes the loop; skips the test where the machine has no such backend.
  void open(const backend_case& which, const loop_options& options,
            const loop::backend_factory& backends = nullptr);
  void close_loop();

  /// The loop, and one turn of it that does not wait.
  loop& on() { return *loop_; }
  void turn() { loop_->turn(0); }

  template <class... Operations>
  void start(Operations&... ops) {
    (ops.start(*loop_), ...);
  }
  /// Until all have come to their final completion. Use within ASSERT_TRUE.
  template <class... Operations>
  testing::AssertionResult finish(const Operations&... ops) {
    return wait_until(*loop_, [&] { return (ops.is_done() && ...); });
  }
  template <class... Operations>
  testing::AssertionResult run(Operations&... ops) {
    start(ops...);
    return finish(ops...);
  }
  testing::AssertionResult wait_for(const std::function<bool()>& happened) {
    return wait_until(*loop_, happened);
  }
  /// Until the final completion of `op` is known and waits for its handler.
  testing::AssertionResult wait_until_completed(const operation& op) {
    return wait_until(*loop_, [&] { return op.state() == operation_state::completed; });
  }

 private:
  std::size_t open_before_;
  std::string list_before_;
  std::unique_ptr<simulated_host> simulated_;
  std::unique_ptr<loop> loop_;
};

} // namespace weir::test
