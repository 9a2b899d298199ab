// Senders of others, and of weir, awaited in tasks.
#include "async_test.hpp"

#include <weir/async/operations.hpp>
#include <weir/async/senders.hpp>
#include <weir/async/with_deadline.hpp>

#include <support/allocations.hpp>

#include <string>
#include <system_error>
#include <thread>
#include <tuple>

namespace weir {
namespace {

class await_sender_test : public async_test {};

/// A sender that completes as `tell` says, where and when it likes.
template <class Signatures, class Tell>
struct scripted_sender {
  using sender_concept = exec::sender_tag;
  using completion_signatures = Signatures;
  template <class Receiver>
  struct operation {
    using operation_state_concept = exec::operation_state_tag;
    void start() & noexcept { tell(to); }
    Tell tell;
    Receiver to;
  };
  template <class Receiver>
  operation<Receiver> connect(Receiver to) && {
    return {std::move(tell), std::move(to)};
  }
  Tell tell;
};
template <class... Signatures, class Tell>
auto scripted(Tell tell) {
  return scripted_sender<exec::completion_signatures<Signatures...>, Tell>{std::move(tell)};
}

TEST_F(await_sender_test, gives_a_value_or_several) {
  auto one = scripted<exec::set_value_t(int)>([](auto& to) noexcept { exec::set_value(std::move(to), 5); });
  auto two = scripted<exec::set_value_t(int, std::string)>(
      [](auto& to) noexcept { exec::set_value(std::move(to), 6, std::string("six")); });
  auto none = scripted<exec::set_value_t()>([](auto& to) noexcept { exec::set_value(std::move(to)); });
  auto main = [&]() -> task<> {
    const result<int> single = co_await await_sender(std::move(one));
    EXPECT_EQ(single.value(), 5);
    const result<std::tuple<int, std::string>> pair = co_await await_sender(std::move(two));
    EXPECT_EQ(pair.value(), std::tuple(6, std::string("six")));
    const result<> done = co_await await_sender(std::move(none));
    EXPECT_TRUE(done);
  };
  run(main());
}

TEST_F(await_sender_test, gives_errors_and_cancellations_and_throws_the_rest) {
  auto fails = scripted<exec::set_value_t(), exec::set_error_t(error)>(
      [](auto& to) noexcept { exec::set_error(std::move(to), error(errc::closed, "pipe")); });
  auto fails_with_code = scripted<exec::set_value_t(), exec::set_error_t(std::error_code)>(
      [](auto& to) noexcept { exec::set_error(std::move(to), make_error_code(std::errc::io_error)); });
  auto throws = scripted<exec::set_value_t(), exec::set_error_t(std::string)>(
      [](auto& to) noexcept { exec::set_error(std::move(to), std::string("what no error is")); });
  auto stops = scripted<exec::set_value_t(), exec::set_stopped_t()>(
      [](auto& to) noexcept { exec::set_stopped(std::move(to)); });
  auto main = [&]() -> task<> {
    result<> outcome = co_await await_sender(std::move(fails));
    EXPECT_EQ(outcome.error(), errc::closed);
    outcome = co_await await_sender(std::move(fails_with_code));
    EXPECT_EQ(outcome.error(), std::errc::io_error);
    outcome = co_await await_sender(std::move(stops));
    EXPECT_TRUE(outcome.error().is_cancelled());
    std::string thrown;
    try {
      outcome = co_await await_sender(std::move(throws));
    } catch (const std::string& what) {
      thrown = what;
    }
    EXPECT_EQ(thrown, "what no error is");
  };
  run(main());
}

TEST(await_sender_of_other_threads, goes_on_on_its_loop) {
  auto home = loop::create();
  ASSERT_TRUE(home);
  std::jthread completes;
  auto elsewhere = scripted<exec::set_value_t(int)>(
      [&](auto& to) noexcept { completes = std::jthread([&to] { exec::set_value(std::move(to), 11); }); });
  auto main = [&]() -> task<> {
    const std::thread::id here = std::this_thread::get_id();
    const result<int> value = co_await await_sender(std::move(elsewhere));
    EXPECT_EQ(value.value(), 11);
    EXPECT_EQ(std::this_thread::get_id(), here);
  };
  run(**home, main());
  EXPECT_EQ((*home)->answers_owed(), 0u);
}

TEST_F(await_sender_test, passes_a_cancellation_on_and_waits_for_the_end) {
  int requests = 0;
  auto main = [&]() -> task<> {
    auto answers = [&]() -> task<result<int>> {
      result<> slept = co_await sleep_for(1h);
      requests += slept ? 0 : 1;
      if (!slept) co_return fail(slept.error());
      co_return 1;
    };
    auto awaits = [&]() -> task<result<int>> { co_return co_await await_sender(as_sender(answers())); };
    const result<int> outcome = co_await with_deadline(1ms, awaits());
    EXPECT_EQ(outcome.error(), std::errc::timed_out);
  };
  run(main());
  EXPECT_EQ(requests, 1);
}

TEST_F(await_sender_test, in_a_scope_that_has_ended_starts_nothing) {
  bool has_begun = false;
  auto begins = scripted<exec::set_value_t()>([&](auto& to) noexcept {
    has_begun = true;
    exec::set_value(std::move(to));
  });
  cancellation scope;
  scope.request();
  auto main = [&]() -> task<result<>> { co_return co_await await_sender(std::move(begins)); };
  EXPECT_TRUE(run(main(), &scope).error().is_cancelled());
  EXPECT_FALSE(has_begun);
}

TEST_F(await_sender_test, in_steady_state_allocate_nothing) {
  auto main = [&]() -> task<> {
    std::uint64_t before = 0;
    for (int i = 0; i < 1010; ++i) {
      if (i == 10) before = test::allocations_of_this_thread();
      auto function = [] { return async_nop(); };
      const result<> passed = co_await await_sender(as_sender(function));
      EXPECT_TRUE(passed);
    }
    EXPECT_EQ(test::allocations_of_this_thread(), before);
  };
  run(main());
}

} // namespace
} // namespace weir
