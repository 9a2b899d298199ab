// Who another thread wants to meet asleep: the thread that makes it.
#pragma once

namespace weir::test {

class sleeper {
 public:
  sleeper();
  /// From another thread: waits, without a sleep, until it sleeps in the kernel.
  void wait_until_asleep() const;

 private:
  long thread_;
};

} // namespace weir::test
