// program_run: one program on one host, with its loop, from its start to its end or to the crash of the host.
#pragma once

#include <weir/async/branch.hpp>
#include <weir/async/run.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/sim_proactor.hpp>
#include <weir/sim/world.hpp>

#include <exception>
#include <memory>
#include <optional>

namespace weir::sim {

class program_run final : public participant {
 public:
  program_run(host& on, const host::program& what, const loop_options& options);
  ~program_run();

  bool has_ended() const noexcept { return root_.has_ended(); }
  /// And nothing that it has begun is under way still, such as the closing of what it has dropped.
  bool is_quiet() const noexcept { return has_ended() && loop_->outstanding() == 0; }
  std::exception_ptr failure() const noexcept;

  std::uint64_t runnable_at_ns() const noexcept override;
  void run() override;

  /// Its scope is cancelled: it goes on until it has cleaned up. Once, and nothing the second time.
  void ask_to_end() noexcept;
  /// Its host has crashed: what it waits for ends with -ECANCELED.
  void die() noexcept { proactor_->die(); }
  /// Behind that: turns it until it has ended, with everything that it does cancelled.
  void unwind();
  /// When all of its host are unwound: takes what their loops have answered each other meanwhile. False:
  /// nothing.
  bool settle();

 private:
  host& host_;
  host::program program_; ///< a lambda's captures are used as long as its coroutine lives
  std::unique_ptr<loop> loop_;
  sim_proactor* proactor_;
  cancellation scope_;
  task<> main_;
  branch root_;
  std::optional<root_start> start_;
  bool was_unwound_ = false;
};

/// A loop whose backend is a sim_proactor of that host, and which draws from the world's seed.
result<std::unique_ptr<loop>> make_sim_loop(host& on, const loop_options& options,
                                            sim_proactor** made = nullptr);

} // namespace weir::sim
