// How the one child of this process ended, waited for by plain system calls.
#pragma once

#include <sys/wait.h>

#include <string>

namespace weir::test {

inline std::string end_of_only_child() {
  siginfo_t told{};
  if (::waitid(P_ALL, 0, &told, WEXITED) != 0) return "no child";
  return (told.si_code == CLD_EXITED ? "code " : "signal ") + std::to_string(told.si_status);
}

} // namespace weir::test
