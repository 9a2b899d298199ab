// While one lives SIGPIPE would end this process, as it does by default. Where there is no such signal it
// does nothing.
#pragma once

#include <csignal>

namespace weir::test {

class fatal_sigpipe {
 public:
#ifdef SIGPIPE
  fatal_sigpipe() : before_(std::signal(SIGPIPE, SIG_DFL)) {}
  ~fatal_sigpipe() { std::signal(SIGPIPE, before_); }

 private:
  void (*before_)(int);

 public:
#else
  fatal_sigpipe() {}
#endif
  fatal_sigpipe(const fatal_sigpipe&) = delete;
  fatal_sigpipe& operator=(const fatal_sigpipe&) = delete;
};

} // namespace weir::test
