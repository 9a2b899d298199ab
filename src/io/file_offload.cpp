#include "file_offload.hpp"

#include "file_calls.hpp"

#include <cerrno>
#include <thread>

namespace weir {
namespace {

int errno_of(const error& why) noexcept {
  if (why == errc::closed) return ESHUTDOWN;
  return why.code().category() == category() ? EAGAIN : why.code().value();
}

} // namespace

/// The work is a link only: it is never run as such.
file_operation::file_operation(operation_kind of_kind, int on_descriptor, handler on_completion) noexcept
    : operation(of_kind, on_descriptor, on_completion), pool_work(file_offload::run), work(nullptr) {}

file_offload::~file_offload() {
  while (returning_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
}

blocking_pool& file_offload::pool() noexcept {
  return pool_ ? *pool_ : blocking_pool::of_process();
}

int file_offload::submit(file_operation& op) noexcept {
  op.offload_ = this;
  const result<> submitted = pool().submit(pool_class::disk, op, when_full::wait);
  return submitted ? 0 : -errno_of(submitted.error());
}

bool file_offload::revoke(file_operation& op) noexcept {
  return pool().revoke(pool_class::disk, op);
}

/// On a thread of the pool.
void file_offload::run(pool_work& self) noexcept {
  auto& op = static_cast<file_operation&>(self);
  file_offload& offload = *op.offload_;
  op.outcome_ = call_blocking(op);
  offload.returning_.fetch_add(1, std::memory_order_relaxed);
  offload.done_.push_answer(op); // from here on the operation may be gone
  offload.wake_(offload.context_);
  offload.returning_.fetch_sub(1, std::memory_order_release); // the last touch: the end waits for it
}

file_offload::finished file_offload::take_finished() noexcept {
  if (taken_.empty()) {
    if (done_.empty()) return {nullptr, 0};
    taken_ = done_.take_all();
  }
  auto& op = static_cast<file_operation&>(*taken_.pop_front());
  return {&op, op.outcome_};
}

} // namespace weir
