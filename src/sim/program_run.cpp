#include "program_run.hpp"

#include <weir/sim/fault_plan.hpp>
#include <weir/sim/trace.hpp>

#include <cassert>

namespace weir::sim {
namespace {

std::unique_ptr<loop> loop_of(host& on, const loop_options& options, sim_proactor** made) {
  result<std::unique_ptr<loop>> fresh = make_sim_loop(on, options, made);
  assert(fresh && "there is nothing that could fail");
  return std::move(*fresh);
}

constexpr int unwinding_turns_max = 100'000;

} // namespace

result<std::unique_ptr<loop>> make_sim_loop(host& on, const loop_options& options, sim_proactor** made) {
  loop_options simulated = options;
  if (simulated.seed == 0) simulated.seed = on.in().random().bits() | 1;
  if (!simulated.blocking) simulated.blocking = &on.pool();
  return loop::create(simulated,
                      [&](const loop_options& wanted, completion_queue& completed, buffer_pool& pool,
                          loop_counters& counters) -> result<chosen_backend> {
                        auto proactor =
                            std::make_unique<sim_proactor>(on, completed, pool, counters, wanted.io);
                        if (made) *made = proactor.get();
                        return chosen_backend(std::move(proactor), "sim: a simulated host");
                      });
}

program_run::program_run(host& on, const host::program& what, const loop_options& options)
    : host_(on), program_(what), loop_(loop_of(on, options, &proactor_)), main_(program_(on)),
      root_(make_root(main_, *loop_)) {
  proactor_->turned_by_world();
  start_.emplace(*loop_, root_, &scope_);
  host_.in().add(*this);
}

program_run::~program_run() {
  host_.in().remove(*this);
  assert(was_unwound_ && "a host ends its programs");
}

std::exception_ptr program_run::failure() const noexcept {
  return has_ended() ? main_.failure() : nullptr;
}

/// What others posted, and answers of the pool, wake nobody: they come from the thread that would be woken.
std::uint64_t program_run::runnable_at_ns() const noexcept {
  const std::uint64_t at_ns = loop_->has_work_queued() ? 0 : proactor_->runnable_at_ns();
  return std::max(at_ns, host_.stalled_until_ns());
}

void program_run::run() {
  if (!proactor_->end_wait() && !loop_->has_work_queued()) return;
  if (host_.stalls()) return;
  host_.in().log().note(event::turn, host_.number());
  const system_calls_scope its_kernel(host_.calls());
  loop_->turn();
  if (!has_ended() && host_.in().suspends()) ask_to_end();
}

void program_run::ask_to_end() noexcept {
  if (scope_.is_requested()) return;
  const system_calls_scope its_kernel(host_.calls());
  host_.in().log().note(event::asked_to_end, host_.number());
  scope_.request();
}

void program_run::unwind() {
  was_unwound_ = true;
  const system_calls_scope its_kernel(host_.calls());
  scope_.request();
  for (int turns = 0; turns < unwinding_turns_max && !(has_ended() && loop_->outstanding() == 0); ++turns)
    loop_->turn();
  if (!has_ended() || loop_->outstanding() != 0) {
    host_.in().accuse("a program goes on and on though all that it does is cancelled:\n" + loop_->dump());
    std::abort(); // its frames cannot be destroyed while they wait, nor its loop
  }
  start_.reset();
}

bool program_run::settle() {
  if (loop_->answers_owed() == 0) return false;
  const system_calls_scope its_kernel(host_.calls());
  for (int turns = 0; turns < unwinding_turns_max && loop_->answers_owed() != 0; ++turns) loop_->turn();
  return loop_->answers_owed() == 0;
}

} // namespace weir::sim
