// weir doctor: tells what weir finds on this machine, for people or as JSON.
#pragma once

namespace weir::app {

struct doctor_options {
  bool json = false;
};

/// Returns the exit status.
int run_doctor(const doctor_options& options);

} // namespace weir::app
