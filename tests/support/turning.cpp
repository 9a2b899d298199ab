#include <support/turning.hpp>

namespace weir::test {
namespace {

/// A turn runs handlers first and sleeps afterwards: looks in between, so that it does not sleep on what has
/// happened. What keeps it awake is a timer that is due: a wake-up would cost system calls, which tests
/// count.
struct look : work {
  look(loop& at, const std::function<bool()>& predicate) noexcept
      : work([](work& self) noexcept {
          auto& me = static_cast<look&>(self);
          constexpr std::uint64_t long_ago_ns = 0;
          if (me.happened()) me.on.arm(me.stay_awake, long_ago_ns);
        }),
        on(at), happened(predicate) {}
  loop& on;
  const std::function<bool()>& happened;
  timer stay_awake{[](timer&) noexcept {}};
};

} // namespace

testing::AssertionResult wait_until(loop& on, const std::function<bool()>& happened) {
  const std::uint64_t deadline_ns = on.backend().now_ns() + patience_ns;
  look before_it_sleeps(on, happened);
  while (!happened()) {
    if (on.backend().now_ns() >= deadline_ns)
      return testing::AssertionFailure()
             << "nothing for too long; outstanding on " << on.backend().name() << ":\n"
             << on.dump();
    on.at_end_of_turn(before_it_sleeps);
    on.turn(deadline_ns);
  }
  return testing::AssertionSuccess();
}

} // namespace weir::test
