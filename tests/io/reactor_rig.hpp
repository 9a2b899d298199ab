// A reactor for tests of its own, and what they ask of it.
//
// What every reactor does is in reactor_test.cpp, once; the tests of each instantiate it.
#pragma once

#include <weir/base/result.hpp>
#include <weir/io/counters.hpp>
#include <weir/io/reactor.hpp>

#include <gtest/gtest.h>
#include <support/sockets.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>

namespace weir::test {

using reactor_maker = result<std::unique_ptr<reactor>> (*)(loop_counters& counters);
template <class Reactor>
result<std::unique_ptr<reactor>> make_reactor(loop_counters& counters) {
  auto made = Reactor::create(counters);
  if (!made) return fail(std::move(made).error());
  return std::unique_ptr<reactor>(std::move(*made));
}

class reactor_rig : public testing::Test {
 protected:
  static constexpr std::uint64_t second_ns = 1'000'000'000;
  static constexpr std::uint64_t millisecond_ns = 1'000'000;

  void open(reactor_maker make) {
    auto made = make(counters);
    ASSERT_TRUE(made) << made.error().message();
    demultiplexer = std::move(*made);
  }

  /// What is reported for `descriptor` now.
  readiness ready(int descriptor) {
    readiness found = readiness::none;
    for (const ready_event& event : demultiplexer->wait(0))
      if (event.descriptor == descriptor) found = found | event.events;
    return found;
  }
  std::uint64_t duration_of_wait_ns(std::uint64_t timeout_ns) {
    const auto before = std::chrono::steady_clock::now();
    demultiplexer->wait(timeout_ns);
    const auto lasted = std::chrono::steady_clock::now() - before;
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(lasted).count());
  }
  /// Of a few: a signal may end a wait early, such as the kernel's own when an io_uring of an earlier test
  /// ends.
  std::uint64_t longest_wait_ns(std::uint64_t timeout_ns) {
    std::uint64_t longest_ns = 0;
    for (int tries = 10; tries > 0 && longest_ns < timeout_ns; --tries)
      longest_ns = std::max(longest_ns, duration_of_wait_ns(timeout_ns));
    return longest_ns;
  }

  loop_counters counters;
  std::unique_ptr<reactor> demultiplexer;
  connection pair = connect_pair(transport::local);
  const int ours = pair.ours.get();
};

class reactor_test : public reactor_rig, public testing::WithParamInterface<reactor_maker> {
 protected:
  void SetUp() override { open(GetParam()); }
};

} // namespace weir::test
