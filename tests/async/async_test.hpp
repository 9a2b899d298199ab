// What the tests of async/ share: a loop on a scripted backend, or on a simulated host
// (is_on_simulated_hosts), and a look for leaks after each test.
#pragma once

#include "scripted_proactor.hpp"

#include <weir/async/frame_pool.hpp>
#include <weir/async/run.hpp>
#include <weir/async/scope.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/task.hpp>
#include <weir/async/yield.hpp>
#include <weir/io/loop.hpp>

#include <gtest/gtest.h>
#include <support/backends.hpp>
#include <support/simulation.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace weir {

using namespace std::chrono_literals;

class async_test : public testing::Test {
 protected:
  async_test() {
    if (test::is_on_simulated_hosts()) {
      simulated_.emplace(testing::UnitTest::GetInstance()->random_seed(), false);
      loop_ = std::move(*test::create_loop(loop_options()));
      return;
    }
    auto made = loop::create(loop_options(), [this](const loop_options&, completion_queue& completed,
                                                    buffer_pool& pool, loop_counters& counters) {
      auto scripted = std::make_unique<scripted_proactor>(completed, pool, counters);
      backend_ = scripted.get();
      return result<chosen_backend>(std::in_place, std::move(scripted), "for tests");
    });
    loop_ = std::move(*made);
  }
  void TearDown() override {
    EXPECT_EQ(frame_pool::frames_live(), 0u);
    EXPECT_EQ(loop_->outstanding(), 0u);
  }

  /// Runs it on the loop; `scope` is what the test cancels it with.
  template <class T>
  T run(task<T> main, cancellation* scope = nullptr) {
    return weir::run(*loop_, std::move(main), scope);
  }

  loop& on() noexcept { return *loop_; }

 private:
  template <class Fixture>
  friend class with_script;

  std::optional<test::simulated_host> simulated_;
  std::unique_ptr<loop> loop_;
  scripted_proactor* backend_ = nullptr;
};

/// For tests that decide what becomes of operations.
template <class Fixture>
class with_script : public Fixture {
 protected:
  void SetUp() override {
    if (!this->backend_) GTEST_SKIP() << "a simulated host decides for itself";
  }
  scripted_proactor& backend() noexcept { return *this->backend_; }
};

/// The trace of a test: who did what, in order.
using trace = std::string;

inline task<result<>> sleeps(std::chrono::nanoseconds duration) {
  co_return co_await sleep_for(duration);
}

/// Asks a scope to end after a time; runs out of its reach.
inline task<> request_after(std::chrono::nanoseconds duration, cancellation& scope) {
  result<> slept = co_await sleeps(duration).under(nullptr);
  EXPECT_TRUE(slept);
  scope.request();
}

/// Lets the deferred phase of some turns pass, whatever the scope says.
inline task<> yields(int times) {
  for (int i = 0; i < times; ++i) {
    [[maybe_unused]] result<> passed = co_await yield();
  }
}

// Children that fail, a turn after they began.
inline task<> throws(std::string what) {
  co_await yields(1);
  throw std::runtime_error(what);
}
inline task<result<>> fails(errc code) {
  co_await yields(1);
  co_return fail(code, "child");
}

} // namespace weir
