// What a restricted ring accepts: the operations that the proactor submits and the registrations that it
// makes once the ring runs. Whoever gets hold of the process, or of the descriptor, can do no more with it:
// no files are opened (threads of the pool do that), no buffers, files or credentials registered.
// io_uring_register(2).
#include "uring_ring.hpp"

#include <array>
#include <cstddef>

namespace weir {
namespace {

constexpr std::array<io_uring_op, 12> used_opcodes = {
    IORING_OP_NOP,    IORING_OP_READ,    IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL,
    IORING_OP_ACCEPT, IORING_OP_CONNECT, IORING_OP_CLOSE,    IORING_OP_RECV,
    IORING_OP_SEND,   IORING_OP_SENDMSG, IORING_OP_SEND_ZC,  IORING_OP_RECVMSG,
};
constexpr std::uint8_t used_entry_flags = IOSQE_BUFFER_SELECT;

io_uring_restriction rule(std::uint16_t kind, std::uint8_t allowed) noexcept {
  io_uring_restriction made{};
  made.opcode = kind;
  made.sqe_op = allowed; // or register_op, or sqe_flags: they share the place
  return made;
}

} // namespace

result<> uring_ring::restrict() noexcept {
  std::array<io_uring_restriction, used_opcodes.size() + 2> rules{};
  std::size_t count = 0;
  for (const io_uring_op opcode : used_opcodes)
    if (knows(opcode)) rules[count++] = rule(IORING_RESTRICTION_SQE_OP, static_cast<std::uint8_t>(opcode));
  rules[count++] = rule(IORING_RESTRICTION_SQE_FLAGS_ALLOWED, used_entry_flags);
  rules[count++] = rule(IORING_RESTRICTION_REGISTER_OP, IORING_UNREGISTER_PBUF_RING);

  // By the call itself: liburing 2.3 declares functions for both and exports neither.
  const auto number = static_cast<unsigned>(ring_.ring_fd);
  int refused =
      io_uring_register(number, IORING_REGISTER_RESTRICTIONS, rules.data(), static_cast<unsigned>(count));
  if (refused < 0) return fail(error::from_errno(refused, "IORING_REGISTER_RESTRICTIONS"));
  refused = io_uring_register(number, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  if (refused < 0) return fail(error::from_errno(refused, "IORING_REGISTER_ENABLE_RINGS"));
  return {};
}

} // namespace weir
