#include "doctor.hpp"

#include "doctor_facts.hpp"
#include "exit_code.hpp"
#include "terminal.hpp"

#include <unistd.h>

#include <cstdio>

namespace weir::app {

int run_doctor(const doctor_options& options) {
  const auto facts = examine();
  if (!facts) {
    std::fprintf(stderr, "weir doctor: no loop can be made here: %s\n", facts.error().message().c_str());
    return exit_failure;
  }
  const std::string report =
      options.json ? doctor_json(*facts) : doctor_text(*facts, wants_colour(STDOUT_FILENO));
  const bool is_written = std::fputs(report.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return is_written ? exit_success : exit_failure;
}

} // namespace weir::app
