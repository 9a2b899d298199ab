// faulty_proactor: a real backend in front of which the operation that a planned_fault strikes fails, with an
// error that its kind may have, without the kernel's ever hearing of it.
#pragma once

#include <weir/async/frame_pool.hpp>
#include <weir/io/backend.hpp>
#include <weir/io/loop.hpp>

#include <support/faults.hpp>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

namespace weir::test {

class faulty_proactor final : public proactor {
 public:
  faulty_proactor(std::unique_ptr<proactor> real, completion_queue& completed, buffer_pool& pool,
                  loop_counters& counters) noexcept
      : proactor(completed, pool, counters), real_(std::move(real)) {}

  void start(operation& op) noexcept override {
    if (!planned_fault::strikes(fault_kind::operation, name_of(op.kind()).data())) return real_->start(op);
    if (op.kind() == operation_kind::close) ::close(op.descriptor()); // gone whatever the result: close(2)
    state_of(op) = operation_state::submitted;
    failed_.push_back(op);
  }
  void cancel(operation& op) noexcept override {
    if (!failed_.remove(op)) return real_->cancel(op);
    failed_.push_back(op); // it fails all the same
  }
  void wait(std::uint64_t timeout_ns) noexcept override {
    frame_pool::trim(); // so that coroutines ask for memory, and may be refused it
    real_->wait(failed_.empty() ? timeout_ns : 0);
    while (!failed_.empty() && completed_.has_room()) {
      operation& op = *failed_.pop_front();
      completed_.push(op, completion(-error_of(op.kind())));
    }
  }

  void poll() noexcept override { real_->poll(); }
  void wake() noexcept override { real_->wake(); }
  std::uint64_t now_ns() noexcept override { return real_->now_ns(); }
  std::string_view name() const noexcept override { return real_->name(); }
  capability_mask capabilities() const noexcept override { return real_->capabilities(); }
  execution execution_of(operation_kind kind) const noexcept override { return real_->execution_of(kind); }

 private:
  static int error_of(operation_kind kind) noexcept {
    switch (kind) {
    case operation_kind::accept:
    case operation_kind::accept_many:
      return EMFILE;
    case operation_kind::connect:
      return ETIMEDOUT;
    case operation_kind::receive:
    case operation_kind::receive_many:
      return ECONNRESET;
    case operation_kind::send:
    case operation_kind::send_gathered:
    case operation_kind::send_zero_copy:
      return ENOBUFS; // not EPIPE, behind which a reader would rely on an end that never comes
    case operation_kind::shutdown:
      return ENOTCONN;
    case operation_kind::close:
      return EIO;
    default:
      return ENOMEM;
    }
  }
  std::unique_ptr<proactor> real_;
  operation_queue failed_;
};

/// For `loop::create`.
inline result<chosen_backend> make_faulty(const loop_options& options, completion_queue& completed,
                                          buffer_pool& pool, loop_counters& counters) {
  auto chosen = choose_backend_of_test(options, completed, pool, counters);
  if (!chosen) return fail(std::move(chosen).error());
  auto faulty =
      std::make_unique<faulty_proactor>(std::move(chosen->implementation), completed, pool, counters);
  return chosen_backend(std::move(faulty), std::move(chosen->reason));
}

} // namespace weir::test
