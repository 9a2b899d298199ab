// operation: one asynchronous act in flight. The contract with its state diagram is docs/operations.md.
//
// An operation is owned by its initiator (a coroutine frame, an object of the user) and is never allocated by
// weir. Between `loop::start` and its final completion it must neither move nor die, nor may the memory that
// its arguments point to. It completes exactly once; a `_many` operation may complete any number of times
// with `more` set, and then once without. When its handler runs with `more` unset nothing is owed to it any
// longer: neither the kernel nor weir will touch it or its buffers again, and the handler may start it anew
// or destroy it.
//
// Thread rule: everything here belongs to the thread of the loop. Cancel-safety: a success that races with
// its cancellation is delivered as a success; otherwise the result is -ECANCELED. Handlers never run inside
// `start` or `cancel`.
#pragma once

#include <weir/base/intrusive.hpp>
#include <weir/base/lease.hpp>
#include <weir/io/platform/sockets.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string_view>

namespace weir {

enum class operation_kind : std::uint8_t {
  nop,            ///< completes at the next turn
  accept,         ///< one connection; the result is its descriptor
  accept_many,    ///< connections until cancelled; each result is a descriptor
  connect,        ///< of a socket to an address
  receive,        ///< into memory of the caller
  receive_many,   ///< into slots of the loop's buffer pool until cancelled, at an error, or at end of file
  send,           ///< from memory of the caller; may send less than asked for
  send_gathered,  ///< the same from several places
  send_zero_copy, ///< the same without the kernel's copy; completes when the memory may be reused
  poll,           ///< readiness of a descriptor
  open,           ///< of a file: this and the following in file_operations.hpp
  read_at,        ///< from a file
  write_at,       ///< to a file
  sync,           ///< of a file with its disk
  allocate,       ///< room for a file
  truncate,       ///< a file, or extend it
  status,         ///< of a file
  rename,         ///< of a file
  unlink,         ///< the name of a file, or an empty directory
  make_directory, ///< a new one
  splice,         ///< bytes between a file and a pipe
  close,          ///< of a descriptor on which nothing is outstanding
  shutdown,       ///< of one or both directions
  // message_operations.hpp
  receive_message,      ///< with address and control data, into memory of the caller
  receive_message_many, ///< datagrams into slots of the loop's buffer pool until cancelled, or at an error
  send_message,         ///< with address and control data
  send_messages,        ///< several by one call
};
inline constexpr std::size_t operation_kind_count = 27;
std::string_view name_of(operation_kind kind) noexcept;

constexpr bool is_accept(operation_kind kind) noexcept {
  return kind == operation_kind::accept || kind == operation_kind::accept_many;
}

/// Of completions that are ready together, urgent ones come first, weighted 8:4:1 so that none starves.
enum class lane : std::uint8_t { urgent, normal, background };
inline constexpr std::size_t lane_count = 3;

enum class operation_state : std::uint8_t {
  idle,       ///< not started, or retired: the owner may do with it what it likes
  parked,     ///< started, waiting for room at a bound; the kernel knows nothing of it
  submitted,  ///< the backend works on it
  cancelling, ///< the backend works on it and was asked to stop
  completed,  ///< its final completion waits in the completion queue
};

std::string_view name_of(operation_state state) noexcept;

/// What an operation reports. Errors are negated errno values, as the kernel gives them.
struct completion {
  completion(int outcome, bool more_follow = false, lease received = lease{}) noexcept
      : result(outcome), more(more_follow), data(std::move(received)) {}

  int result; ///< count of bytes, descriptor, readiness mask or 0; negative: -errno
  bool more;  ///< further completions of the same operation follow
  lease data; ///< receive_many: the bytes that arrived; empty with result 0 at end of file.
              ///< receive_message_many: the message (message_view)
};

class operation : public list_hook<> {
 public:
  using handler = void (*)(operation& self, completion&& what) noexcept;

  operation(operation_kind of_kind, int on_descriptor, handler on_completion,
            lane lane_of_completion = lane::normal) noexcept
      : on_completion_(on_completion), descriptor_(on_descriptor), kind_(of_kind), lane_(lane_of_completion) {
  }
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;
  ~operation() { assert(is_idle() && "an operation was destroyed before its final completion"); }

  operation_kind kind() const noexcept { return kind_; }
  operation_state state() const noexcept { return state_; }
  weir::lane in_lane() const noexcept { return lane_; }
  int descriptor() const noexcept { return descriptor_; }
  bool is_idle() const noexcept { return state_ == operation_state::idle; }

  /// Only while idle. Due also when another socket has got the same number: what is remembered of the old one
  /// is forgotten.
  void set_descriptor(int descriptor) noexcept {
    assert(is_idle());
    descriptor_ = descriptor;
    flags_ = 0;
  }

  /// Where it was started, and when (loop time), for `loop::for_each_outstanding`.
  const std::source_location& started_from() const noexcept { return started_from_; }
  std::uint64_t started_at_ns() const noexcept { return started_at_ns_; }

 private:
  friend class loop;
  friend class proactor; // backends reach the fields below through proactor's protected accessors
  friend class completion_queue;

  handler on_completion_;
  /// Link of the one queue it waits on: the parked, the queued, the turn's sends, the line for a slot, the
  /// inline, the finished, or a descriptor's readers, writers or polls.
  operation* next_ = nullptr;
  std::uint64_t started_at_ns_ = 0;
  std::source_location started_from_;
  int descriptor_;
  operation_kind kind_;
  operation_state state_ = operation_state::idle;
  weir::lane lane_;
  std::uint8_t owed_ =
      0; ///< kernel completions still to come (its own, its cancellation's, a zero-copy notification)
  std::uint16_t flags_ = 0; ///< of the backend
  int result_ = 0;          ///< kept by the backend while the result is known and something is still owed
};

class nop_operation : public operation {
 public:
  explicit nop_operation(handler on_completion, lane in_lane = lane::normal) noexcept
      : operation(operation_kind::nop, -1, on_completion, in_lane) {}
};

/// accept4(2) with SOCK_CLOEXEC | SOCK_NONBLOCK. Whoever handles the completion owns the descriptor.
class accept_operation : public operation {
 public:
  accept_operation(int listener, bool many, handler on_completion) noexcept
      : operation(many ? operation_kind::accept_many : operation_kind::accept, listener, on_completion) {}
};

class connect_operation : public operation {
 public:
  connect_operation(int socket, const sockaddr* to, socklen_t to_bytes, handler on_completion) noexcept
      : operation(operation_kind::connect, socket, on_completion), address(to), address_bytes(to_bytes) {}

  const sockaddr* address;
  socklen_t address_bytes;
};

class receive_operation : public operation {
 public:
  receive_operation(int socket, std::span<std::byte> into, handler on_completion) noexcept
      : operation(operation_kind::receive, socket, on_completion), buffer(into) {}

  std::span<std::byte> buffer; ///< must not be empty
  bool wait_for_all = false;   ///< complete only when full, at end of file or at an error (MSG_WAITALL)
};

/// Always-pending reads (docs/loop.md): data arrives in leases, each at most one slot of the pool. Where the
/// backend knows no multishot receive it is re-armed inside. An empty pool is no error: the operation waits
/// in line for a slot. The final completion is end of file (0), an error, or -ECANCELED; bytes received
/// before it are delivered before it.
class receive_many_operation : public operation {
 public:
  receive_many_operation(int socket, handler on_completion) noexcept
      : operation(operation_kind::receive_many, socket, on_completion) {}
};

class send_operation : public operation {
 public:
  send_operation(int socket, std::span<const std::byte> from, handler on_completion,
                 bool zero_copy = false) noexcept
      : operation(zero_copy ? operation_kind::send_zero_copy : operation_kind::send, socket, on_completion),
        buffer(from) {}

  std::span<const std::byte> buffer;
};

class send_gathered_operation : public operation {
 public:
  send_gathered_operation(int socket, handler on_completion) noexcept
      : operation(operation_kind::send_gathered, socket, on_completion) {}

  /// The array and what it points to stay valid until the completion; at most IOV_MAX (1024) entries.
  void set_pieces(iovec* pieces, std::size_t count) noexcept {
    assert(is_idle() && count <= 1024);
    header = msghdr{};
    header.msg_iov = pieces;
    header.msg_iovlen = count;
  }

  msghdr header{};
};

/// Readiness in the terms of poll(2): `events` of POLLIN, POLLOUT, POLLRDHUP, POLLPRI; the result is the mask
/// that is ready.
class poll_operation : public operation {
 public:
  poll_operation(int watched, std::uint32_t wanted, handler on_completion,
                 lane in_lane = lane::normal) noexcept
      : operation(operation_kind::poll, watched, on_completion, in_lane), events(wanted) {}

  std::uint32_t events;
  bool is_same_file = false; ///< as when it completed last: a reactor need not make sure, and saves a call
};

/// Precondition: nothing else is outstanding on the descriptor. The descriptor is gone whatever the result
/// (close(2)).
class close_operation : public operation {
 public:
  close_operation(int socket, handler on_completion) noexcept
      : operation(operation_kind::close, socket, on_completion) {}
};

class shutdown_operation : public operation {
 public:
  shutdown_operation(int socket, int direction, handler on_completion) noexcept
      : operation(operation_kind::shutdown, socket, on_completion), how(direction) {}

  int how; ///< SHUT_RD, SHUT_WR or SHUT_RDWR
};

} // namespace weir
