// Nothing here tells whether a thread sleeps. It gets the time to fall asleep; awake it is woken as well.
#include <support/asleep.hpp>

#include <thread>

namespace weir::test {

sleeper::sleeper() : thread_(0) {}

void sleeper::wait_until_asleep() const {
  constexpr int yields = 1000;
  for (int i = 0; i < yields; ++i) std::this_thread::yield();
}

} // namespace weir::test
