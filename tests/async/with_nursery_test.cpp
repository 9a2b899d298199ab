#include "async_test.hpp"

#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>

#include <memory>

namespace weir {
namespace {

class with_nursery_test : public async_test {
 protected:
  task<> notes_end(char name, std::chrono::nanoseconds after) {
    result<> slept = co_await sleep_for(after);
    seen_ += slept ? name : '!';
  }
  static task<result<>> fails(errc code, int turns) {
    co_await yields(turns);
    co_return fail(code);
  }
  static task<> throws(std::string what, int turns) {
    co_await yields(turns);
    throw std::runtime_error(what);
  }

  trace seen_;
};

TEST_F(with_nursery_test, leaves_when_the_body_and_all_children_have_ended) {
  auto body = [&](nursery& children) -> task<int> {
    EXPECT_TRUE(children.try_spawn(notes_end('b', 20ms)));
    EXPECT_TRUE(children.try_spawn(notes_end('a', 10ms)));
    seen_ += '|';
    co_return 5;
  };
  auto main = [&]() -> task<result<int>> { co_return co_await with_nursery(nursery_options(), body); };
  EXPECT_EQ(run(main()).value(), 5);
  EXPECT_EQ(seen_, "|ab");
}

TEST_F(with_nursery_test, gives_a_result_whatever_the_body_gives) {
  auto nothing = [](nursery&) -> task<> { co_return; };
  auto value = [](nursery&) -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(1); };
  auto outcome = [](nursery&) -> task<result<int>> { co_return 2; };
  auto empty_outcome = [](nursery&) -> task<result<>> { co_return {}; };
  const result<> none = run(with_nursery(nursery_options(), nothing));
  EXPECT_TRUE(none);
  EXPECT_EQ(**run(with_nursery(nursery_options(), value)), 1);
  EXPECT_EQ(run(with_nursery(nursery_options(), outcome)).value(), 2);
  EXPECT_TRUE(run(with_nursery(nursery_options(), empty_outcome)));
}

TEST_F(with_nursery_test, a_failing_child_ends_the_body_and_is_the_outcome) {
  auto body = [&](nursery& children) -> task<result<int>> {
    EXPECT_TRUE(children.try_spawn(fails(errc::protocol, 2)));
    result<> slept = co_await sleep_for(1h);
    if (!slept) co_return fail(slept.error());
    co_return 1;
  };
  auto main = [&]() -> task<result<int>> { co_return co_await with_nursery(nursery_options(), body); };
  EXPECT_EQ(run(main()).error(), errc::protocol);
}

TEST_F(with_nursery_test, a_throwing_child_ends_the_body_and_is_rethrown) {
  auto body = [&](nursery& children) -> task<> {
    EXPECT_TRUE(children.try_spawn(throws("child", 2)));
    co_await notes_end('b', 1h);
  };
  auto main = [&]() -> task<result<>> { co_return co_await with_nursery(nursery_options(), body); };
  EXPECT_THROW((void)run(main()), std::runtime_error);
  EXPECT_EQ(seen_, "!");
}

TEST_F(with_nursery_test, a_body_that_fails_cancels_and_awaits_the_children) {
  auto body = [&](nursery& children) -> task<result<>> {
    EXPECT_TRUE(children.try_spawn(notes_end('a', 1h)));
    co_await yields(2);
    co_return fail(errc::closed, "body");
  };
  for (nursery_policy policy : {nursery_policy::propagate, nursery_policy::isolate}) {
    seen_.clear();
    EXPECT_EQ(run(with_nursery(nursery_options(8, policy), body)).error(), errc::closed);
    EXPECT_EQ(seen_, "!");
  }
}

TEST_F(with_nursery_test, a_body_that_throws_cancels_and_awaits_the_children) {
  auto body = [&](nursery& children) -> task<int> {
    EXPECT_TRUE(children.try_spawn(notes_end('a', 1h)));
    co_await throws("body", 2);
    co_return 1;
  };
  for (nursery_policy policy : {nursery_policy::propagate, nursery_policy::isolate}) {
    seen_.clear();
    EXPECT_THROW((void)run(with_nursery(nursery_options(8, policy), body)), std::runtime_error);
    EXPECT_EQ(seen_, "!");
  }
}

TEST_F(with_nursery_test, a_body_that_cannot_even_start_leaves_nothing_behind) {
  auto body = [&](nursery& children) -> task<> {
    EXPECT_TRUE(children.try_spawn(notes_end('a', 1h)));
    throw std::runtime_error("at once");
    co_return;
  };
  EXPECT_THROW((void)run(with_nursery(nursery_options(), body)), std::runtime_error);
}

TEST_F(with_nursery_test, isolate_the_body_goes_on_when_a_child_fails) {
  auto body = [&](nursery& children) -> task<int> {
    EXPECT_TRUE(children.try_spawn(throws("child", 1)));
    co_await notes_end('b', 10ms);
    co_return 3;
  };
  EXPECT_EQ(run(with_nursery(nursery_options(8, nursery_policy::isolate), body)).value(), 3);
  EXPECT_EQ(seen_, "b");
}

TEST_F(with_nursery_test, a_deadline_outside_ends_body_and_children) {
  auto body = [&](nursery& children) -> task<result<int>> {
    EXPECT_TRUE(children.try_spawn(notes_end('a', 1h)));
    result<> slept = co_await sleep_for(1h);
    if (!slept) co_return fail(slept.error());
    co_return 1;
  };
  auto main = [&]() -> task<result<int>> {
    co_return co_await with_deadline(5ms, with_nursery(nursery_options(), body));
  };
  EXPECT_TRUE(run(main()).error().is_timeout());
  EXPECT_EQ(seen_, "!");
}

TEST_F(with_nursery_test, nests) {
  auto inner = [&](nursery& children) -> task<> {
    EXPECT_TRUE(children.try_spawn(throws("inner", 3)));
    co_return;
  };
  auto outer = [&](nursery& children) -> task<int> {
    EXPECT_TRUE(children.try_spawn(notes_end('o', 10ms)));
    int caught = 0;
    try {
      result<> ended = co_await with_nursery(nursery_options(), inner);
      EXPECT_TRUE(ended) << "not reached";
    } catch (const std::runtime_error&) {
      caught = 1;
    }
    co_return caught;
  };
  EXPECT_EQ(run(with_nursery(nursery_options(), outer)).value(), 1);
  EXPECT_EQ(seen_, "o") << "the outer nursery is not touched by what the body caught";
}

TEST_F(with_nursery_test, a_named_body_may_own_what_it_captures) {
  auto owned = std::make_shared<int>(4);
  auto main = [&]() -> task<result<int>> {
    auto body = [owned](nursery& children) -> task<int> {
      EXPECT_TRUE(children.try_spawn(yields(1)));
      co_await yields(2);
      co_return *owned;
    };
    co_return co_await with_nursery(nursery_options(), body);
  };
  EXPECT_EQ(run(main()).value(), 4);
  EXPECT_EQ(owned.use_count(), 1);
}

} // namespace
} // namespace weir
