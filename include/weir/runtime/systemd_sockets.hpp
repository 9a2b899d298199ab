// systemd_sockets: the sockets that systemd opened for this process (socket activation), by name:
//
//   result<std::vector<named_socket>> passed = take_systemd_sockets();
//
// Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, and takes them out of the environment: what this process
// starts is not activated once more. The sockets are close-on-exec from then on. Sockets that are meant for
// another process (LISTEN_PID) are none; a socket unit gives names with FileDescriptorName=, else they bear
// the unit's name. Thread rule: first thing in main, before threads are started: the environment belongs to
// all of them. Source: sd_listen_fds(3).
#pragma once

#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>

#include <string>
#include <vector>

namespace weir {

struct named_socket {
  named_socket(std::string its_name, descriptor opened) noexcept
      : name(std::move(its_name)), socket(std::move(opened)) {}

  std::string name;
  descriptor socket;
};

/// Empty where nothing was passed to this process. `first` is 3 by the protocol.
result<std::vector<named_socket>> take_systemd_sockets(int first = 3);

} // namespace weir
