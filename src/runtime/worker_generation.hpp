// worker_generation: the workers that were started together, at the beginning or by a reload. From `serve`
// on, until it is asked to end, each worker that ends is replaced.
//
// Thread rule: the loop's thread. Lifetime: until `has_ended`. Bound: as many processes as workers.
#pragma once

#include "worker_process.hpp"
#include "worker_restarts.hpp"

#include <weir/async/nursery.hpp>

#include <functional>
#include <optional>
#include <vector>

namespace weir {

class worker_generation {
 public:
  /// `sockets_of` gives the descriptors of a worker by its number. `changed` is set when one of the questions
  /// below may have another answer.
  using socket_table = std::function<std::vector<int>(unsigned number)>;
  worker_generation(const master_options& options, const command& program, const socket_table& sockets_of,
                    worker_restarts& restarts, event& changed);

  /// The tasks that tend its workers belong to `crew`.
  void start(nursery& crew);

  bool is_up() const noexcept { return count_ready() == processes_.size(); }
  /// It is up, and is to stay so.
  void serve() noexcept { is_serving_ = true; }
  /// Why a worker failed before it was to serve, or workers failed too often.
  const std::optional<error>& failure() const noexcept { return failure_; }
  bool has_ended() const noexcept { return tended_ == 0; }
  std::size_t count_ready() const noexcept;

  /// None is replaced any more; each is asked to drain.
  void drain();
  /// The same, with SIGKILL.
  void kill();

 private:
  task<> tend(unsigned number);
  task<bool> run_one(unsigned number);
  task<bool> wait_for_replacement(unsigned number, std::uint64_t started_ns);
  task<result<>> until_ending();
  void fail_with(error why) noexcept;

  const master_options& options_;
  const command& program_;
  const socket_table& sockets_of_;
  worker_restarts& restarts_;
  event& changed_;
  std::vector<std::unique_ptr<worker_process>> processes_; ///< null between two of one number
  event ending_{event_reset::manual};
  unsigned tended_ = 0;
  bool is_serving_ = false;
  std::optional<error> failure_;
};

} // namespace weir
