// Admission, waiting, and the end: when what is asked of the kernel. What is asked is in
// uring_submission.cpp, what it answers in uring_completion.cpp.
#include "file_offload.hpp"
#include "uring_buffers.hpp"
#include "uring_files.hpp"
#include "uring_ring.hpp"
#include "uring_self_test.hpp"

#include <weir/io/uring_proactor.hpp>

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace weir {
namespace {

/// Room for the last completion of each operation and for its cancellation's. What else may come (partial
/// completions, notifications) waits in the kernel when the queue is full: IORING_FEAT_NODROP.
std::uint32_t completion_entries_for(const proactor_options& options) noexcept {
  constexpr std::uint32_t entries_limit = 65536; // of the kernel
  const std::uint32_t most = std::max(options.operations_max, options.queue_entries);
  return 2 * std::clamp(std::min(most, entries_limit), 1u, entries_limit / 2);
}

/// 6.15 appends to a bundle whose first part was short, and so leaves a gap in the data (mended in 6.16). It
/// takes data that arrives in the very moment of the read: no self-test can provoke it.
bool bundles_may_have_gaps() noexcept {
  utsname kernel{};
  return ::uname(&kernel) == 0 && std::strncmp(kernel.release, "6.15.", 5) == 0;
}

} // namespace

// --- making one ---

result<std::unique_ptr<uring_proactor>> uring_proactor::create(completion_queue& completed, buffer_pool& pool,
                                                               loop_counters& counters,
                                                               const proactor_options& options) {
  auto made = create_unproven(completed, pool, counters, options);
  if (!made) return made;
  const auto proven = uring_self_test::proven(made.value()->has(capability::defer_taskrun));
  if (!proven) return fail(proven.error());
  made.value()->restrict_to(*proven);
  return made;
}

result<std::unique_ptr<uring_proactor>> uring_proactor::create_unproven(completion_queue& completed,
                                                                        buffer_pool& pool,
                                                                        loop_counters& counters,
                                                                        const proactor_options& options) {
  auto ring = uring_ring::create(std::max(options.queue_entries, 1u), completion_entries_for(options),
                                 options.allowed.has(capability::defer_taskrun), options.restricted);
  if (!ring) return fail(ring.error());
  descriptor wake_event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_event) return fail(error::from_errno(errno, "eventfd"));
  std::unique_ptr<uring_proactor> made(
      new uring_proactor(completed, pool, counters, options, std::move(*ring), std::move(wake_event)));
  if (options.restricted) { // behind the registration of its buffers
    made->capabilities_.remove(capability::files);
    if (result<> done = made->ring_->restrict(); !done) return fail(std::move(done).error());
  }
  return made;
}

uring_proactor::uring_proactor(completion_queue& completed, buffer_pool& pool, loop_counters& counters,
                               const proactor_options& options, std::unique_ptr<uring_ring> ring,
                               descriptor wake_event)
    : proactor(completed, pool, counters), ring_(std::move(ring)), capabilities_(options.allowed),
      wants_multishot_(options.strategy != receive_strategy::one_shot),
      operations_max_(std::max(options.operations_max, 1u)), wake_event_(std::move(wake_event)),
      offload_(std::make_unique<file_offload>(
          options.blocking, [](void* to_wake) noexcept { static_cast<uring_proactor*>(to_wake)->wake(); },
          this)) {
  if (has(capability::provided_buffers))
    if (auto buffers = uring_buffers::create(*ring_, pool_, options.ring_slots))
      buffers_ = std::move(*buffers);
  capability_mask offered = capability_mask::all();
  if (!ring_->defers_task_work()) offered.remove(capability::defer_taskrun);
  if (!buffers_) offered.remove(capability::provided_buffers);
  if (!ring_->knows(IORING_OP_SEND_ZC)) offered.remove(capability::send_zero_copy);
  if (!ring_->has_feature(uring_abi::feature_bundles) || bundles_may_have_gaps())
    offered.remove(capability::bundles);
  if (buffers_ && !completed_.has_room(buffers_->slots_max())) offered.remove(capability::bundles);
  restrict_to(offered);
}

void uring_proactor::restrict_to(capability_mask proven) noexcept {
  capabilities_ = capabilities_ & proven;
  if (!has(capability::provided_buffers)) {
    capabilities_.remove(capability::multishot_receive);
    capabilities_.remove(capability::multishot_message);
    capabilities_.remove(capability::bundles);
    buffers_.reset();
  }
  pieces_max_ = has(capability::bundles) ? buffers_->slots_max() : 1;
}

uring_proactor::~uring_proactor() {
  clean_up();
}

/// Ends whatever the kernel still has, our own read of the wake event first of all, so that it writes to no
/// memory that is about to go.
void uring_proactor::clean_up() noexcept {
  constexpr std::uint64_t look_again_ns = 100'000'000;
  constexpr int looks_max = 20; // a kernel that keeps its answer for so long will not give it
  while (ring_->has_staged() && ring_->submit()) {
  }
  if (io_uring_sqe* entry = ring_->next_entry()) {
    io_uring_prep_cancel64(entry, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    entry->user_data = user_data_of(uring_tag::clean_up);
    ++requests_;
  }
  wake(); // kernels before 5.19 do not know the above
  for (int looks = 0; requests_ > 0 && looks < looks_max; ++looks) {
    ring_->submit_and_wait(look_again_ns);
    while (ring_->front()) {
      const uring_completion last = ring_->pop();
      if ((last.flags & IORING_CQE_F_BUFFER) != 0)
        buffers_->take(static_cast<std::uint16_t>(last.flags >> IORING_CQE_BUFFER_SHIFT), 0);
      if ((last.flags & IORING_CQE_F_MORE) == 0) --requests_;
    }
  }
}

execution uring_proactor::execution_of(operation_kind kind) const noexcept {
  if (kind == operation_kind::shutdown) return execution::inline_;
  if (is_file_operation(kind) && is_offloaded(kind)) return execution::offloaded;
  if (kind == operation_kind::send_messages) return execution::readiness;
  const bool needs_slots =
      kind == operation_kind::receive_many || kind == operation_kind::receive_message_many;
  if (needs_slots && !has(capability::provided_buffers)) return execution::readiness;
  return execution::kernel;
}

std::uint64_t uring_proactor::now_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// --- the life of an operation ---

void uring_proactor::start(operation& op) noexcept {
  flags_of(op) &= uring_flag::kept;
  if (!parks(op, in_flight_ >= operations_max_ || ring_->is_full() || !queued_.empty())) begin(op);
}

void uring_proactor::begin(operation& op) noexcept {
  ++in_flight_;
  state_of(op) = operation_state::submitted;
  switch (op.kind()) {
  case operation_kind::shutdown:
    return inline_.push_back(op);
  case operation_kind::receive_message_many: {
    const int outcome = check_receives_messages(op);
    return outcome == 0 ? request(op) : finish(op, outcome);
  }
  case operation_kind::send:
  case operation_kind::send_gathered:
  case operation_kind::send_message:
  case operation_kind::send_messages:
    flags_of(op) |= uring_flag::in_sends;
    return sends_.push_back(op);
  default:
    if (is_file_operation(op.kind()) && is_offloaded(op.kind())) return begin_offloaded(op);
    return request(op);
  }
}

void uring_proactor::cancel(operation& op) noexcept {
  if (op.state() == operation_state::parked) {
    parked_.remove(op);
    ++in_flight_;
    state_of(op) = operation_state::cancelling; // until there is room for its completion
    finish(op, -ECANCELED);
    return;
  }
  if (op.state() != operation_state::submitted) return;
  // What is over, or will be by the end of this turn.
  if ((flags_of(op) & uring_flag::ended) != 0 || op.kind() == operation_kind::close ||
      op.kind() == operation_kind::shutdown)
    return;

  state_of(op) = operation_state::cancelling;
  if ((flags_of(op) & uring_flag::offloaded) != 0) {
    cancel_offloaded(op);
  } else if ((flags_of(op) & uring_flag::in_line) != 0) {
    line_.remove(op);
    --line_length_;
    finish(op, -ECANCELED);
  } else if ((flags_of(op) & uring_flag::in_queue) != 0) {
    queued_.remove(op);
    finish(op, -ECANCELED);
  } else if ((flags_of(op) & uring_flag::in_sends) != 0) {
    sends_.remove(op);
    finish(op, -ECANCELED);
  } else {
    request(op);
  }
}

/// Nothing is owed to the operation any longer.
void uring_proactor::finish(operation& op, int result) noexcept {
  --in_flight_;
  flags_of(op) |= uring_flag::ended;
  if (completed_.has_room()) {
    completed_.push(op, completion(result));
  } else {
    kept_result_of(op) = result;
    finished_.push_back(op);
  }
}

void uring_proactor::deliver_finished() noexcept {
  while (!finished_.empty() && completed_.has_room()) {
    operation& op = *finished_.pop_front();
    completed_.push(op, completion(kept_result_of(op)));
  }
}

// --- on threads of the pool ---

bool uring_proactor::is_offloaded(operation_kind kind) const noexcept {
  return !has(capability::files) || !ring_->knows(request_for_file(kind));
}

void uring_proactor::begin_offloaded(operation& op) noexcept {
  flags_of(op) |= uring_flag::offloaded;
  const int refused = offload_->submit(static_cast<file_operation&>(op));
  if (refused < 0) finish(op, refused);
}

/// One that has begun is waited for: its thread uses its memory, and what it did was done.
void uring_proactor::cancel_offloaded(operation& op) noexcept {
  if (offload_->revoke(static_cast<file_operation&>(op))) finish(op, -ECANCELED);
}

void uring_proactor::take_offloaded() noexcept {
  for (auto done = offload_->take_finished(); done.op; done = offload_->take_finished())
    finish(*done.op, done.result);
}

// --- waiting ---

void uring_proactor::wait(std::uint64_t timeout_ns) noexcept {
  deliver_finished();
  stage();
  while (has_unstaged()) {
    counters_.system_calls.count(system_call::submit);
    if (!ring_->submit()) break;
    stage();
  }
  if (must_not_sleep()) timeout_ns = 0;
  if (timeout_ns != 0 || ring_->has_staged() || ring_->must_enter()) {
    counters_.system_calls.count(system_call::wait);
    ++counters_.waits;
    ring_->submit_and_wait(timeout_ns);
  }
  transfers_.turn_ends();
  run_inline();
  take_completions();
  take_offloaded(); // behind the wake-up of those who are done
}

/// Fills the submission queue; what was to be said first comes first.
void uring_proactor::stage() noexcept {
  if (!wake_is_armed_) request_wake();
  request_queued();
  if (buffers_) buffers_->refill();
  serve_line();
  while (!parked_.empty() && in_flight_ < operations_max_ && !ring_->is_full()) begin(*parked_.pop_front());
  request_sends();
}

/// The submission queue was too short for all that could be submitted.
bool uring_proactor::has_unstaged() const noexcept {
  return !wake_is_armed_ || !queued_.empty() || (!parked_.empty() && in_flight_ < operations_max_);
}

bool uring_proactor::must_not_sleep() const noexcept {
  const bool line_can_move = !line_.empty() && slots_to_fill() > 0;
  return !completed_.empty() || !inline_.empty() || line_can_move || ring_->front();
}

void uring_proactor::run_inline() noexcept {
  if (ring_->has_staged()) return; // what was started before has not been submitted: next time
  while (operation* op = inline_.pop_front()) {
    counters_.system_calls.count(system_call::shutdown);
    const auto& wanted = static_cast<const shutdown_operation&>(*op);
    finish(*op, ::shutdown(wanted.descriptor(), wanted.how) == 0 ? 0 : -errno);
  }
}

void uring_proactor::wake() noexcept {
  if (wake_is_pending_.exchange(true, std::memory_order_acq_rel)) return;
  const int kept_errno = errno; // of whom a signal handler interrupts
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_event_.get(), &one, sizeof one);
  errno = kept_errno;
}

} // namespace weir
