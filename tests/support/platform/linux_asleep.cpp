#include <support/asleep.hpp>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

namespace weir::test {

sleeper::sleeper() : thread_(::gettid()) {}

void sleeper::wait_until_asleep() const {
  const std::string path = "/proc/self/task/" + std::to_string(thread_) + "/stat";
  for (std::string state; state != "S";) {
    std::ifstream stat(path);
    stat.ignore(4096, ')');
    stat >> state;
    std::this_thread::yield();
  }
}

} // namespace weir::test
