// uring_ring: the two queues that are shared with the kernel, and the one system call that serves them.
//
// Thread rule: the thread that created it (IORING_SETUP_SINGLE_ISSUER). Fork: the memory is not inherited; a
// child that touches a ring of its parent faults.
#pragma once

#include "uring_abi.hpp"
#include "uring_request.hpp"

#include <weir/base/result.hpp>

#include <bitset>
#include <cstdint>
#include <memory>

namespace weir {

class uring_ring {
 public:
  /// Sizes are rounded up to powers of two and clamped to what the kernel allows. Fails where io_uring is
  /// forbidden or lacks what cannot be done without. One that `is_disabled` takes nothing before `restrict`.
  static result<std::unique_ptr<uring_ring>> create(std::uint32_t submission_entries,
                                                    std::uint32_t completion_entries,
                                                    bool may_defer_task_work, bool is_disabled = false);
  ~uring_ring();
  uring_ring(const uring_ring&) = delete;
  uring_ring& operator=(const uring_ring&) = delete;

  /// Enables a ring that is disabled, and from then on it refuses (EACCES) what weir does not use
  /// (uring_restrictions.cpp): for good, whoever has its descriptor.
  result<> restrict() noexcept;

  io_uring& handle() noexcept { return ring_; }
  bool defers_task_work() const noexcept { return (ring_.flags & IORING_SETUP_DEFER_TASKRUN) != 0; }
  bool has_feature(std::uint32_t feature) const noexcept { return (ring_.features & feature) != 0; }
  bool knows(io_uring_op opcode) const noexcept { return opcodes_[opcode]; }

  /// The next free submission entry, to be filled before the next submission; null when all are staged.
  io_uring_sqe* next_entry() noexcept { return io_uring_get_sqe(&ring_); }
  bool is_full() const noexcept { return io_uring_sq_space_left(&ring_) == 0; }
  bool has_staged() const noexcept { return io_uring_sq_ready(&ring_) != 0; }

  /// Completions wait in the kernel and need a system call to come forth.
  bool must_enter() const noexcept {
    return (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) != 0;
  }

  /// The oldest completion in the queue, null when there is none.
  const io_uring_cqe* front() const noexcept {
    const unsigned head = *ring_.cq.khead;
    if (head == io_uring_smp_load_acquire(ring_.cq.ktail)) return nullptr;
    return &ring_.cq.cqes[head & ring_.cq.ring_mask];
  }
  /// How many completions are in the queue.
  unsigned answers() const noexcept { return io_uring_cq_ready(&ring_); }
  uring_completion pop() noexcept {
    const io_uring_cqe* oldest = front();
    const uring_completion taken{oldest->user_data, oldest->res, oldest->flags};
    io_uring_cq_advance(&ring_, 1);
    return taken;
  }

  /// Submits what is staged. False when the kernel takes nothing now (memory is short, or completions must be
  /// taken first).
  bool submit() noexcept;

  /// Submits what is staged and waits for a completion at most `timeout_ns` (0: only looks; ~0: for ever).
  /// One system call. Signals end it early.
  void submit_and_wait(std::uint64_t timeout_ns) noexcept;

 private:
  uring_ring() noexcept = default;
  const char* missing_part() noexcept;
  unsigned publish_staged() noexcept;

  io_uring ring_{};
  bool is_open_ = false;
  std::bitset<256> opcodes_; ///< that this kernel knows
  unsigned wait_flags_ = IORING_ENTER_GETEVENTS;
};

} // namespace weir
