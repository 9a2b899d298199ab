#include "async_test.hpp"

#include <weir/async/completion_slot.hpp>
#include <weir/async/operations.hpp>
#include <weir/io/callbacks.hpp>

#include <support/allocations.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>

namespace weir {
namespace {

class completion_slot_test : public async_test {
 protected:
  /// Lets the loop turn until `happened`.
  void turn_until(const std::function<bool()>& happened) {
    for (int i = 0; i < 100'000 && !happened(); ++i) on().turn(on().now_ns() + 1'000'000);
    ASSERT_TRUE(happened());
  }
  static task<int> seven() { co_return 7; }
};
using completion_slot_of_operations = with_script<completion_slot_test>;

TEST_F(completion_slot_test, calls_its_handler_with_the_outcome_and_never_inside_of_start) {
  completion_slot slot(on());
  std::optional<int> outcome;
  slot.start(seven, [&](int value) { outcome = value; });
  EXPECT_FALSE(outcome);
  EXPECT_TRUE(slot.is_pending());
  turn_until([&] { return outcome.has_value(); });
  EXPECT_EQ(outcome, 7);
  EXPECT_FALSE(slot.is_pending());
}

TEST_F(completion_slot_of_operations, awaits_whatever_can_be_awaited) {
  completion_slot slot(on());
  std::optional<std::size_t> received;
  std::array<std::byte, 8> bytes{};
  slot.start([&] { return async_receive(3, bytes); }, [&](result<std::size_t> count) { received = *count; });
  on().turn(0);
  EXPECT_TRUE(backend().complete_oldest(5));
  turn_until([&] { return received.has_value(); });
  EXPECT_EQ(received, 5u);

  bool has_slept = false;
  slot.start([] { return sleep_for(1ms); }, [&](result<> slept) { has_slept = slept.has_value(); });
  turn_until([&] { return has_slept; });

  bool has_ended = false;
  auto nothing = []() -> task<> { co_return; };
  slot.start(nothing, [&] { has_ended = true; });
  turn_until([&] { return has_ended; });
}

TEST_F(completion_slot_test, is_cancelled_before_it_begins_and_while_it_waits) {
  completion_slot slot(on());
  int cancelled = 0;
  auto count = [&](result<> slept) { cancelled += !slept && slept.error().is_cancelled() ? 1 : 0; };
  slot.cancel(); // idle: nothing
  slot.start([] { return sleep_for(1h); }, count);
  slot.cancel();
  EXPECT_EQ(cancelled, 0);
  turn_until([&] { return cancelled == 1; });
  slot.start([] { return sleep_for(1h); }, count);
  on().turn(0);
  slot.cancel();
  slot.cancel();
  turn_until([&] { return cancelled == 2; });
}

TEST_F(completion_slot_of_operations, a_success_that_its_cancellation_races_with_is_a_success) {
  completion_slot slot(on());
  std::array<std::byte, 8> bytes{};
  std::optional<result<std::size_t>> received;
  slot.start([&] { return async_receive(3, bytes); }, [&](result<std::size_t> count) { received = count; });
  on().turn(0);
  EXPECT_TRUE(backend().complete_oldest(5));
  slot.cancel();
  turn_until([&] { return received.has_value(); });
  EXPECT_EQ(received->value_or(0), 5u);
}

TEST_F(completion_slot_test, is_started_anew_by_its_handler_without_a_growing_stack) {
  completion_slot slot(on());
  int rounds = 0;
  std::function<void(int)> again = [&](int) {
    if (++rounds < 100'000) slot.start(seven, std::ref(again));
  };
  slot.start(seven, std::ref(again));
  for (int i = 0; i < 100'000 && rounds < 100'000; ++i) on().turn(0);
  EXPECT_EQ(rounds, 100'000);
}

TEST_F(completion_slot_test, may_be_destroyed_by_its_handler) {
  auto slot = std::make_unique<completion_slot>(on());
  slot->start(seven, [&](int) { slot.reset(); });
  turn_until([&] { return slot == nullptr; });
}

TEST_F(completion_slot_test, hands_an_exception_to_a_handler_that_takes_one) {
  struct both {
    std::string& told;
    void operator()(int) const { told = "value"; }
    void operator()(std::exception_ptr) const { told = "thrown"; }
  };
  completion_slot slot(on());
  std::string told;
  auto throws = []() -> task<int> {
    throw std::runtime_error("broken");
    co_return 1;
  };
  slot.start(throws, both{told});
  turn_until([&] { return !told.empty(); });
  EXPECT_EQ(told, "thrown");
  told.clear();
  slot.start(seven, both{told});
  turn_until([&] { return !told.empty(); });
  EXPECT_EQ(told, "value");
}

TEST_F(completion_slot_test, in_steady_state_allocates_nothing) {
  completion_slot slot(on());
  std::uint64_t before = 0;
  int rounds = 0;
  struct counting {
    completion_slot& slot;
    std::uint64_t& before;
    int& rounds;
    void operator()(result<>) const {
      if (++rounds == 10) before = test::allocations_of_this_thread();
      if (rounds < 1010) slot.start([] { return async_nop(); }, *this);
    }
  };
  slot.start([] { return async_nop(); }, counting{slot, before, rounds});
  turn_until([&] { return rounds == 1010; });
  EXPECT_EQ(test::allocations_of_this_thread(), before);
}

// --- io/callbacks.hpp ---

class nop_session {
 public:
  explicit nop_session(loop& on) : loop_(on) {}
  void begin() {
    loop_.start(operation_);
    loop_.arm(timer_, loop_.now_ns() + 1'000'000);
  }
  int completed = 0;
  int expired = 0;

 private:
  void on_completed(completion&& what) { completed += what.result == 0 ? 1 : 0; }
  void on_expired() { ++expired; }

  loop& loop_;
  member_operation<nop_operation, &nop_session::on_completed> operation_{*this};
  member_timer<&nop_session::on_expired> timer_{*this};
};

TEST_F(completion_slot_test, member_functions_and_lambdas_are_handlers_of_operations_timers_and_work) {
  nop_session session(on());
  int in_lambda = 0;
  auto operation = on_completion<nop_operation>([&](completion&&) { ++in_lambda; });
  function_work begin([&] {
    session.begin();
    on().start(operation);
  });
  on().defer(begin);
  turn_until([&] { return session.completed == 1 && session.expired == 1 && in_lambda == 1; });
}

} // namespace
} // namespace weir
