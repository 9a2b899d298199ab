// A scope that is cancelled at a moment of virtual time, which need not be one at which a timer is due.
#pragma once

#include <weir/io/cancellation.hpp>
#include <weir/sim/world.hpp>

#include <cstdint>

namespace weir::sim::test {

class cancels_later : private timed_event {
 public:
  cancels_later(world& in, std::uint64_t delay_ns)
      : timed_event([](timed_event& self) noexcept { static_cast<cancels_later&>(self).scope.request(); }),
        in_(in) {
    in_.after(delay_ns, *this);
  }
  ~cancels_later() { in_.cancel(*this); }

  cancellation scope;

 private:
  world& in_;
};

} // namespace weir::sim::test
