// Sets of signals, and what they tell, for tests.
#pragma once

#include <weir/os/signal_set.hpp>

#include <support/coroutine_fixture.hpp>

#include <initializer_list>

namespace weir::test {

inline signal_set opened_set_of(std::initializer_list<int> numbers) {
  result<signal_set> made = signal_set::open(numbers);
  EXPECT_TRUE(made) << made.error().message();
  return std::move(*made);
}

class signals_test : public backend_test {
 protected:
  signal_notice next_of(signal_set& wanted) {
    result<signal_notice> told = run(wanted.next());
    EXPECT_TRUE(told);
    return told.value_or(signal_notice());
  }
};

} // namespace weir::test
