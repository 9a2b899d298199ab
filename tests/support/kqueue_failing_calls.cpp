// Where kqueue(2) is emulated: it fails as one call, and not at the calls that the emulation makes.
#include <dlfcn.h>
#include <support/faults.hpp>
#include <support/sanitized.hpp>
#include <sys/event.h>

#include <cerrno>

#if !WEIR_TEST_IS_SANITIZED

using weir::test::planned_fault;
using weir::test::spared;

extern "C" int kqueue() {
  static const auto real = reinterpret_cast<int (*)()>(::dlsym(RTLD_NEXT, "kqueue"));
  if (planned_fault::strikes_call("kqueue")) {
    errno = EMFILE;
    return -1;
  }
  const spared within;
  return real();
}

extern "C" int kevent(int queue, const struct kevent* changes, int changes_count, struct kevent* events,
                      int events_count, const timespec* timeout) {
  static const auto real = reinterpret_cast<decltype(&kevent)>(::dlsym(RTLD_NEXT, "kevent"));
  if (planned_fault::strikes_call("kevent")) {
    errno = ENOMEM;
    return -1;
  }
  const spared within;
  return real(queue, changes, changes_count, events, events_count, timeout);
}

#endif
