// What is the same on every system of these calls; the others are in platform/.
#include "nonblocking_calls.hpp"

#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>

#include <cerrno>

namespace weir::nonblocking {
namespace {

/// An option that is a number, or -errno.
int option_of_socket(int socket, int name, int& value, loop_counters& counters) noexcept {
  socklen_t size = sizeof value;
  ++counters.system_calls;
  return kernel_calls().getsockopt(socket, SOL_SOCKET, name, &value, &size) < 0 ? -errno : 0;
}

} // namespace

int outcome_of_connect(int socket, loop_counters& counters) noexcept {
  int pending = 0;
  const int asked = option_of_socket(socket, SO_ERROR, pending, counters);
  return asked < 0 ? asked : -pending;
}

int check_is_datagram(int socket, loop_counters& counters) noexcept {
  int type = 0;
  const int asked = option_of_socket(socket, SO_TYPE, type, counters);
  if (asked < 0) return asked;
  return type == SOCK_STREAM || type == SOCK_SEQPACKET ? -EPROTOTYPE : 0;
}

int send(operation& op, loop_counters& counters) noexcept {
  switch (op.kind()) {
  case operation_kind::send_gathered:
    return send(static_cast<const send_gathered_operation&>(op), counters);
  case operation_kind::send_message:
    return send(static_cast<const send_message_operation&>(op), counters);
  case operation_kind::send_messages:
    return send(static_cast<const send_messages_operation&>(op), counters);
  default: // send, and send_zero_copy, whose copy is what lets its memory be reused at once
    return send(static_cast<const send_operation&>(op), counters);
  }
}

} // namespace weir::nonblocking
