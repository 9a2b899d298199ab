// A loop on io_uring whose options a test chooses.
#pragma once

#include <gtest/gtest.h>
#include <support/loop_fixture.hpp>
#include <support/sockets.hpp>

#include <cstdint>

namespace weir::test {

class uring_rig : public loop_fixture {
 protected:
  static loop_options options() { return all_backends().front().options(); }
  void open(const loop_options& chosen) { loop_fixture::open(all_backends().front(), chosen); }

  const loop_counters& counters() { return on().counters(); }
  bool has(capability which) { return on().backend().capabilities().has(which); }

  /// System calls that `body` costs.
  template <class Body>
  std::uint64_t calls_of(Body body) {
    const std::uint64_t before = counters().system_calls;
    body();
    return counters().system_calls - before;
  }
};

} // namespace weir::test
