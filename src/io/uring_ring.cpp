#include "uring_ring.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace weir {
namespace {

/// Ways to run a ring, from the best to the plainest (io_uring_setup(2)). None has IORING_SETUP_SQPOLL: a
/// kernel thread that spins for each loop is not ours to spend.
constexpr std::uint32_t deferred_task_work = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                                             IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG; // 6.1
constexpr std::uint32_t cooperative_task_work =
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG; // 5.19
constexpr std::uint32_t plain_ring = 0;

struct required_feature {
  std::uint32_t bit;
  const char* name;
};
constexpr std::array<required_feature, 3> required_features = {{
    {IORING_FEAT_NODROP, "io_uring without IORING_FEAT_NODROP"},       // full queues lose nothing; 5.5
    {IORING_FEAT_FAST_POLL, "io_uring without IORING_FEAT_FAST_POLL"}, // sockets wait without a thread; 5.7
    {IORING_FEAT_EXT_ARG, "io_uring without IORING_FEAT_EXT_ARG"},     // a wait has a timeout; 5.11
}};
constexpr std::array<io_uring_op, 11> required_opcodes = {
    IORING_OP_NOP,    IORING_OP_READ,    IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL,
    IORING_OP_ACCEPT, IORING_OP_CONNECT, IORING_OP_CLOSE,    IORING_OP_RECV,
    IORING_OP_SEND,   IORING_OP_SENDMSG, IORING_OP_RECVMSG,
};

int set_up(io_uring& ring, std::uint32_t submission_entries, std::uint32_t completion_entries,
           std::uint32_t flags) noexcept {
  io_uring_params parameters{};
  parameters.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  parameters.cq_entries = completion_entries;
  ring = io_uring{};
  return io_uring_queue_init_params(submission_entries, &ring, &parameters);
}

/// Errors of io_uring_enter that the next call heals: nothing is lost.
bool is_transient(int outcome) noexcept {
  return outcome == -ETIME || outcome == -EINTR || outcome == -EAGAIN || outcome == -EBUSY;
}

/// Neither can be repaired or reported to anyone: a thread that may not use the ring (EEXIST), or completions
/// that somebody waits for and that were lost for want of memory (EBADR).
[[noreturn]] void give_up(int outcome) noexcept {
  const char* const reason =
      outcome == -EEXIST ? "a loop is used by a thread that did not create it" : std::strerror(-outcome);
  std::fprintf(stderr, "weir: io_uring_enter: %s\n", reason);
  std::abort();
}

} // namespace

result<std::unique_ptr<uring_ring>> uring_ring::create(std::uint32_t submission_entries,
                                                       std::uint32_t completion_entries,
                                                       bool may_defer_task_work, bool is_disabled) {
  std::unique_ptr<uring_ring> made(new uring_ring); // first: without memory there must be no ring to lose
  io_uring& ring = made->ring_;
  const std::uint32_t at_start = is_disabled ? IORING_SETUP_R_DISABLED : 0u;
  int outcome = -EINVAL; // what an old kernel says to flags that it does not know
  for (const std::uint32_t flags : {deferred_task_work, cooperative_task_work, plain_ring}) {
    if (flags == deferred_task_work && !may_defer_task_work) continue;
    outcome = set_up(ring, submission_entries, completion_entries, flags | at_start);
    if (outcome != -EINVAL) break;
  }
  if (outcome != 0) return fail(error::from_errno(outcome, "io_uring_setup"));

  made->is_open_ = true;
  if (const char* missing = made->missing_part()) return fail(std::errc::function_not_supported, missing);
  if (const int refused = io_uring_ring_dontfork(&made->ring_); refused != 0)
    return fail(error::from_errno(refused, "io_uring_ring_dontfork"));
  if (made->has_feature(uring_abi::feature_no_iowait)) made->wait_flags_ |= uring_abi::enter_without_iowait;
  return made;
}

uring_ring::~uring_ring() {
  if (is_open_) io_uring_queue_exit(&ring_);
}

/// Names what the proactor cannot do without and this kernel lacks; null when it lacks nothing.
const char* uring_ring::missing_part() noexcept {
  for (const auto& feature : required_features)
    if (!has_feature(feature.bit)) return feature.name;

  io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
  if (!probe) return "io_uring without IORING_REGISTER_PROBE";
  for (std::size_t opcode = 0; opcode < opcodes_.size(); ++opcode)
    opcodes_[opcode] = io_uring_opcode_supported(probe, static_cast<int>(opcode)) != 0;
  io_uring_free_probe(probe);
  for (const io_uring_op opcode : required_opcodes)
    if (!knows(opcode)) return "io_uring without a required operation";
  return nullptr;
}

/// Shows the kernel the entries that were filled. The array between entries and queue is the identity and
/// stays so.
unsigned uring_ring::publish_staged() noexcept {
  io_uring_sq& queue = ring_.sq;
  queue.sqe_head = queue.sqe_tail;
  io_uring_smp_store_release(queue.ktail, queue.sqe_tail);
  return queue.sqe_tail - *queue.khead;
}

bool uring_ring::submit() noexcept {
  const int outcome =
      io_uring_enter2(static_cast<unsigned>(ring_.ring_fd), publish_staged(), 0, 0, nullptr, 0);
  if (outcome < 0 && !is_transient(outcome)) give_up(outcome);
  return outcome > 0;
}

void uring_ring::submit_and_wait(std::uint64_t timeout_ns) noexcept {
  constexpr std::uint64_t for_ever = ~std::uint64_t{0};
  constexpr std::uint64_t second_ns = 1'000'000'000;
  __kernel_timespec timeout{};
  io_uring_getevents_arg argument{};
  unsigned flags = wait_flags_;
  if (timeout_ns != 0 && timeout_ns != for_ever) {
    timeout.tv_sec = static_cast<long long>(timeout_ns / second_ns);
    timeout.tv_nsec = static_cast<long long>(timeout_ns % second_ns);
    argument.ts = reinterpret_cast<std::uintptr_t>(&timeout);
    flags |= IORING_ENTER_EXT_ARG;
  }
  const bool has_timeout = argument.ts != 0;
  const int outcome = io_uring_enter2(
      static_cast<unsigned>(ring_.ring_fd), publish_staged(), timeout_ns != 0 ? 1 : 0, flags,
      has_timeout ? reinterpret_cast<sigset_t*>(&argument) : nullptr, has_timeout ? sizeof argument : 0);
  if (outcome < 0 && !is_transient(outcome)) give_up(outcome);
}

} // namespace weir
