// What is asked of the kernel for sockets, and what its answers mean.
#include "iocp_sockets.hpp"

#include "descriptor_table.hpp"
#include "iocp_handles.hpp"
#include "iocp_reactor.hpp"
#include "platform/windows_errors.hpp"
#include "platform/windows_handles.hpp"

#include <weir/io/iocp_proactor.hpp>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace weir {
namespace {

struct winsock_extensions {
  LPFN_ACCEPTEX accept = nullptr;
  LPFN_CONNECTEX connect = nullptr;
  int error = 0; ///< of Winsock

  winsock_extensions() noexcept {
    error = platform::find_extension(WSAID_ACCEPTEX, accept);
    if (error == 0) error = platform::find_extension(WSAID_CONNECTEX, connect);
  }
};

const winsock_extensions& winsock() noexcept {
  static const winsock_extensions found;
  return found;
}

int error_unless(bool is_done) noexcept {
  return is_done ? 0 : ::WSAGetLastError();
}

int family_of(int socket) noexcept {
  sockaddr_storage name{};
  socklen_t bytes = sizeof name;
  const int failed = ::getsockname(platform::socket_of(socket), reinterpret_cast<sockaddr*>(&name), &bytes);
  return failed == 0 ? name.ss_family : AF_UNSPEC;
}

bool is_internet(int family) noexcept {
  return family == AF_INET || family == AF_INET6;
}

/// ConnectEx wants a socket that has a name; one that has one already keeps it.
void give_any_name(int socket, int family) noexcept {
  sockaddr_storage any{};
  any.ss_family = static_cast<short>(family);
  const int bytes = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  ::bind(platform::socket_of(socket), reinterpret_cast<const sockaddr*>(&any), bytes);
}

/// Makes a connection of what AcceptEx has filled: 0, or -errno.
int complete_accept(int accepted, int listener) noexcept {
  const SOCKET from = platform::socket_of(listener);
  const SOCKET made = platform::socket_of(accepted);
  const bool is_done = ::setsockopt(made, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                                    reinterpret_cast<const char*>(&from), sizeof from) == 0 &&
                       platform::set_non_blocking(made);
  return is_done ? 0 : -platform::winsock_error_of(accepted);
}

} // namespace

result<> iocp_sockets::load() {
  const int failed = winsock().error;
  if (failed == 0) return {};
  return fail(error::from_errno(platform::errno_of(static_cast<unsigned long>(failed)), "WSAStartup"));
}

void iocp_sockets::cancel(iocp_request& request) noexcept {
  ::CancelIoEx(platform::handle_of(request.number), &request.overlapped);
}

void iocp_sockets::close(int socket) noexcept {
  if (socket >= 0) ::closesocket(platform::socket_of(socket));
}

// --- receive: the wait for something to read ---

iocp_proactor::handed iocp_proactor::ask_readable(iocp_request& request) noexcept {
  WSABUF nothing{};
  DWORD flags = 0;
  counters_.system_calls.count(system_call::interest);
  const int failed = ::WSARecv(platform::socket_of(request.number), &nothing, 1, nullptr, &flags,
                               &request.overlapped, nullptr);
  return settle(request, error_unless(failed == 0));
}

void iocp_proactor::take_readable(descriptor_state& on, operation& op, int result) noexcept {
  if (op.state() == operation_state::cancelling) {
    result = -ECANCELED;
  } else if (result >= 0) {
    return serve_readers(on);
  } else if (result == -ECANCELED || result == -EPIPE) {
    result = 0; // its direction was shut down here: the end of it
  }
  on.readers.pop_front();
  stop(on, op, result);
}

// --- accept ---

iocp_proactor::handed iocp_proactor::ask_accept(iocp_request& request) noexcept {
  if (request.family == 0) request.family = family_of(request.number);
  if (!is_internet(request.family)) return handed::refused;
  const SOCKET made = platform::overlapped_socket(request.family, SOCK_STREAM, 0);
  if (made == INVALID_SOCKET) return handed::refused; // the call that does not block says the same
  request.accepted = platform::descriptor_of(made);
  DWORD bytes = 0;
  counters_.system_calls.count(system_call::accept);
  const BOOL is_done =
      winsock().accept(platform::socket_of(request.number), made, request.addresses.data(), 0,
                       iocp_request::address_bytes, iocp_request::address_bytes, &bytes, &request.overlapped);
  const handed outcome = settle(request, error_unless(is_done));
  if (outcome == handed::refused) iocp_sockets::close(std::exchange(request.accepted, -1));
  return outcome;
}

void iocp_proactor::take_accept(descriptor_state& on, operation& op, iocp_request& answered) noexcept {
  int outcome = answered.result();
  if (outcome >= 0) outcome = complete_accept(answered.accepted, on.number);
  const bool is_cancelled = op.state() == operation_state::cancelling;
  if (outcome >= 0) {
    outcome = std::exchange(answered.accepted, -1);
    if (descriptor_state* fresh = table().find(outcome)) fresh->forget();
    if (op.kind() == operation_kind::accept_many) {
      completed_.push(op, completion(outcome, true));
      if (!is_cancelled) {
        // The next may be there already; if not, before the wait is soon enough.
        if (again_left_ > 0 && --again_left_ > 0) hand_over(on);
        return;
      }
      outcome = -ECANCELED;
    }
  } else if (platform::concerns_lost_connection(-outcome)) {
    if (!is_cancelled) return;
    outcome = -ECANCELED;
  }
  on.readers.pop_front();
  complete_on(on, op, outcome);
}

// --- connect ---

iocp_proactor::handed iocp_proactor::ask_connect(iocp_request& request,
                                                 const connect_operation& op) noexcept {
  if (op.address_bytes < static_cast<socklen_t>(sizeof(sockaddr_in)) || !is_internet(op.address->sa_family))
    return handed::refused;
  give_any_name(request.number, op.address->sa_family);
  counters_.system_calls.count(system_call::connect);
  const BOOL is_done =
      winsock().connect(platform::socket_of(request.number), op.address, static_cast<int>(op.address_bytes),
                        nullptr, 0, nullptr, &request.overlapped);
  return settle(request, error_unless(is_done));
}

void iocp_proactor::take_connect(descriptor_state& on, operation& op, int result) noexcept {
  if (result >= 0) // else shutdown and getpeername do not know that it is connected
    ::setsockopt(platform::socket_of(on.number), SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, nullptr, 0);
  on.writers.pop_front();
  complete_on(on, op, result);
}

// --- zero-copy send ---

iocp_proactor::handed iocp_proactor::ask_send(iocp_request& request, const send_operation& op) noexcept {
  WSABUF piece{};
  piece.len = static_cast<ULONG>(std::min<std::size_t>(op.buffer.size(), INT_MAX));
  piece.buf = reinterpret_cast<char*>(const_cast<std::byte*>(op.buffer.data())); // WSASend only reads it
  counters_.system_calls.count(system_call::send);
  ++counters_.send_calls;
  const int failed =
      ::WSASend(platform::socket_of(request.number), &piece, 1, nullptr, 0, &request.overlapped, nullptr);
  int error = error_unless(failed == 0);
  if (error == WSAENOTSOCK) error = static_cast<int>(iocp_handles::begin_write(request, op.buffer));
  return settle(request, error);
}

/// One that was called off tells what of it is out.
void iocp_proactor::take_send(descriptor_state& on, operation& op, iocp_request& answered) noexcept {
  const int sent = static_cast<int>(answered.overlapped.InternalHigh);
  const int result = answered.result() == -ECANCELED && sent > 0 ? sent : answered.result();
  if (result > 0) counters_.bytes_sent += static_cast<std::uint64_t>(result);
  on.writers.pop_front();
  complete_on(on, op, result);
}

} // namespace weir
