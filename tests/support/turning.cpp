#include <support/turning.hpp>

namespace weir::test {

testing::AssertionResult wait_until(loop& on, const std::function<bool()>& happened) {
  const std::uint64_t deadline_ns = on.backend().now_ns() + patience_ns;
  while (!happened()) {
    if (on.backend().now_ns() >= deadline_ns)
      return testing::AssertionFailure()
             << "nothing for too long; outstanding on " << on.backend().name() << ":\n"
             << on.dump();
    on.turn(deadline_ns);
  }
  return testing::AssertionSuccess();
}

} // namespace weir::test
