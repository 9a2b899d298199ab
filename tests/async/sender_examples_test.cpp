// The examples of docs/senders.md, as they stand there: senders_page_test.py compares. Each is run here.
#include "sender_algorithms.hpp"

#include <weir/async/operations.hpp>
#include <weir/async/run.hpp>
#include <weir/async/senders.hpp>
#include <weir/async/sleep.hpp>

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace {

using namespace weir;
using namespace std::chrono_literals;
using test::starts_on;
using test::sync_wait;
using test::then;

task<result<int>> fetch(int number) {
  result<> slept = co_await sleep_for(1ms);
  if (!slept) co_return fail(slept.error());
  co_return number;
}

auto doubled_of(loop& home) {
  auto make = [] { return fetch(21); };
  return starts_on(loop_scheduler(home), then(as_sender(make), [](int value) { return 2 * value; }));
}

task<result<int>> twice(int number) {
  auto doubled = then(as_sender(fetch(number)), [](int value) { return 2 * value; });
  result<int> value = co_await await_sender(std::move(doubled)); // on this loop again, wherever it completed
  if (!value) co_return fail(value.error());
  co_return *value;
}

class print_receiver {
 public:
  using receiver_concept = weir::exec::receiver_tag;
  explicit print_receiver(std::string& into) noexcept : into_(&into) {}

  void set_value(int value) && noexcept { *into_ = std::to_string(value); }
  void set_error(error why) && noexcept { *into_ = why.message(); }
  void set_error(std::exception_ptr) && noexcept { *into_ = "thrown"; }
  void set_stopped() && noexcept { *into_ = "stopped"; }

 private:
  std::string* into_;
};

TEST(sender_examples, are_started_on_a_loop_from_another_thread) {
  std::promise<loop*> made;
  std::jthread runs([&] {
    auto home = loop::create();
    loop* const own = home->get();
    made.set_value(own);
    own->run();
  });
  loop* const home = made.get_future().get();
  EXPECT_EQ(sync_wait<int>(doubled_of(*home)).value, 42);
  home->stop();
}

TEST(sender_examples, are_awaited_in_a_task) {
  auto home = loop::create();
  ASSERT_TRUE(home);
  EXPECT_EQ(run(**home, twice(4)).value(), 8);
}

TEST(sender_examples, are_told_to_a_receiver_of_ones_own) {
  auto home = loop::create();
  ASSERT_TRUE(home);
  std::string printed;
  auto make = [] { return fetch(7); };
  auto operation = exec::connect(as_sender(make), print_receiver(printed));
  auto begin = [&]() -> task<> {
    exec::start(operation);
    while (printed.empty()) {
      const result<> slept = co_await sleep_for(1ms);
      EXPECT_TRUE(slept);
    }
  };
  run(**home, begin());
  EXPECT_EQ(printed, "7");
}

} // namespace
