// What the contract suite cannot ask of a simulated kernel: how far its hostility goes.
#include <weir/io/system_calls.hpp>
#include <weir/sim/fault_plan.hpp>

#include <gtest/gtest.h>
#include <support/recorded.hpp>
#include <support/simulation.hpp>
#include <support/sockets.hpp>

#include <array>
#include <memory>

namespace weir::test {
namespace {

class sim_proactor_test : public testing::Test {
 protected:
  void SetUp() override {
    auto made = create_loop(loop_options());
    ASSERT_TRUE(made);
    loop_ = std::move(*made);
  }
  loop& on() { return *loop_; }
  simulated_host& at() { return at_; }

 private:
  simulated_host at_{1, false};
  std::unique_ptr<loop> loop_;
};

/// A stream at its credit cancels its receive. If the peer could keep the cancellation away by sending on, no
/// program would be bounded in memory, which says nothing about the program.
TEST_F(sim_proactor_test, a_peer_that_sends_without_end_does_not_keep_a_cancellation_away) {
  at().in().faults().set(sim::fault::cancel_came_late, 1'000'000);
  connection pair = connect_pair(transport::tcp);
  receive_many receiving(pair.ours.get());
  receiving.start(on());
  send_text(pair.theirs.get(), "before");
  ASSERT_TRUE(wait_until(on(), [&] { return receiving.received == "before"; }));

  receiving.cancel();
  const std::size_t before = receiving.results.size();
  while (!receiving.is_done()) {
    ASSERT_LT(receiving.results.size(), 100u);
    fill(pair.theirs.get());
    on().turn(0);
  }
  EXPECT_GT(receiving.results.size() - before, 1u) << "it came late";
  EXPECT_LE(receiving.results.size() - before, 9u);
  EXPECT_EQ(receiving.result(), -ECANCELED);
}

} // namespace
} // namespace weir::test
