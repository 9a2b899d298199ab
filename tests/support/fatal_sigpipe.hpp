// While one lives SIGPIPE would end this process, as it does by default. Where there is no such signal it
// does nothing.
#pragma once

#include <csignal>

namespace weir::test {

class fatal_sigpipe {
 public:
  fatal_sigpipe() = default;
  fatal_sigpipe(const fatal_sigpipe&) = delete;
  fatal_sigpipe& operator=(const fatal_sigpipe&) = delete;
#ifdef SIGPIPE
  ~fatal_sigpipe() { std::signal(SIGPIPE, before_); }

 private:
  void (*before_)(int) = std::signal(SIGPIPE, SIG_DFL);
#else
  ~fatal_sigpipe() {}
#endif
};

} // namespace weir::test
