#include <support/turning.hpp>

namespace weir::test {
namespace {

/// A turn runs handlers first and sleeps afterwards: looks in between, so that it does not sleep on what has
/// happened.
struct look : work {
  look(loop& at, const std::function<bool()>& predicate) noexcept
      : work([](work& self) noexcept {
          auto& me = static_cast<look&>(self);
          if (me.happened()) me.on.wake();
        }),
        on(at), happened(predicate) {}
  loop& on;
  const std::function<bool()>& happened;
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
