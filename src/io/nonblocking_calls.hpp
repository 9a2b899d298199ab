// The system calls behind emulated operations: each is made once readiness allows it, none blocks, all are
// counted. Results are as operations report them: a count, a descriptor or 0, or -errno.
#pragma once

#include <weir/io/counters.hpp>
#include <weir/io/message_operations.hpp>

#include <climits>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::nonblocking {

/// Not now: nothing to read, no room, connection under way. Distinct from every errno, since -EAGAIN is also
/// what a unix-domain connect reports for good.
inline constexpr int would_block = INT_MIN;

/// Skips connections that were reset while they waited in the backlog.
int accept(int listener, loop_counters& counters) noexcept;

int connect(const connect_operation& op, loop_counters& counters) noexcept;
/// How a connection ended that was under way.
int outcome_of_connect(int socket, loop_counters& counters) noexcept;

int receive(int socket, std::span<std::byte> into, loop_counters& counters) noexcept;
int receive(int socket, std::span<iovec> into, loop_counters& counters) noexcept;

int send(const send_operation& op, loop_counters& counters) noexcept;
int send(const send_gathered_operation& op, loop_counters& counters) noexcept;

/// Any of the sends, also those of messages.
int send(operation& op, loop_counters& counters) noexcept;

int receive(receive_message_operation& op, loop_counters& counters) noexcept;
/// As many messages as are there (recvmmsg(2)): how many.
int receive(int socket, std::span<mmsghdr> into, loop_counters& counters) noexcept;
int send(const send_message_operation& op, loop_counters& counters) noexcept;
/// How many of the messages were sent.
int send(const send_messages_operation& op, loop_counters& counters) noexcept;
/// The message has an address of a unix-domain socket: the socket that sends it is writable whether or not
/// that one has room (unix(7)), and waiting would be spinning.
bool tells_nothing_of_room(const operation& send) noexcept;
/// 0, or -EPROTOTYPE for a socket that has an end of file.
int check_is_datagram(int socket, loop_counters& counters) noexcept;

/// poll(2) without waiting: the mask that is ready, 0 for none.
int poll(int descriptor, std::uint32_t events, loop_counters& counters) noexcept;

/// Whether the number is one of this process.
bool is_open(int descriptor, loop_counters& counters) noexcept;
int close(int descriptor, loop_counters& counters) noexcept;
int shutdown(const shutdown_operation& op, loop_counters& counters) noexcept;

} // namespace weir::nonblocking
