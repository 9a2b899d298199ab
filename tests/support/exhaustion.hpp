// exhaustion: a scenario that is run again and again, in the nth run with its nth step failing, until a run
// comes through without meeting its fault. Whatever fails, the scenario ends, with its result or with an
// error that names an operation, and nothing is left of it: no operation, no coroutine frame, no slot, no
// descriptor, no memory. A scenario that meets no fault at all has no step of that kind, and fails.
#pragma once

#include <weir/async/task.hpp>

#include <gtest/gtest.h>
#include <support/coroutine_fixture.hpp>
#include <support/faults.hpp>

#include <functional>
#include <string>
#include <tuple>

namespace weir::test {

class exhaustion_test : public testing::TestWithParam<std::tuple<backend_case, fault_kind>> {
 protected:
  using scenario = std::function<task<result<>>()>;

  void SetUp() override;
  void fail_each_step_of(const scenario& body);
  fault_kind kind() const { return std::get<1>(GetParam()); }

  /// Of the loop of each run.
  loop_options options_ = std::get<0>(GetParam()).options();

 private:
  bool run_with_fault(std::uint64_t nth, const scenario& body);
  bool attempt(std::uint64_t nth, const scenario& body);
  result<> run_on(loop& home, std::uint64_t nth, const scenario& body, bool& was_met, std::string& where);
};

/// Runs both until the first error, which ends the other.
task<result<>> side_by_side(task<result<>> first, task<result<>> second);

inline std::string name_of_fault(const testing::TestParamInfo<exhaustion_test::ParamType>& info) {
  const auto& [which, kind] = info.param;
  return std::string(which.name) + "_" + std::string(name_of(kind));
}
inline auto each_fault() {
  return testing::Combine(
      testing::ValuesIn(streaming_backends()),
      testing::Values(fault_kind::allocation, fault_kind::system_call, fault_kind::operation));
}
/// Where it is all one on which backend: what waits by polls, or not at all.
template <class... Kinds>
auto each_of(Kinds... kinds) {
  return testing::Combine(testing::Values(streaming_backends().front(), streaming_backends().back()),
                          testing::Values(kinds...));
}

} // namespace weir::test
