// server: serves the connections of one address on all loops of a group.
//
//   server echo(group, at, server_options(placement::least_loaded), serve);
//   result<> outcome = co_await echo.run();       // on a loop; until `stop_accepting`, or cancelled
//
// `serve` is called on the loop of the connection, with a stream of that loop; it gives a task<result<>>. A
// connection that fails ends alone and is told to `on_failure`. Placement (placement.hpp): with `reuse_port`
// each loop accepts for itself; else the loop of `run` accepts and hands descriptors over through channels,
// past a loop that does not take its share. An accept_gate, or one a loop that share its limits, keeps the
// number of connections.
//
// Ending: after `stop_accepting` nobody is accepted, those that are served go on to their end, then `run`
// ends; a cancellation reaches all of them, and they are awaited. Thread rule: `run` on one loop of any
// group, once; the rest from any thread. Lifetime: outlives `run`; the group outlives it. `serve` is called
// on several threads at once. Bound: the gate's; `handover_max` descriptors wait for a loop to take them.
#pragma once

#include <weir/async/failure.hpp>
#include <weir/async/nursery.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/net/address.hpp>
#include <weir/net/stream.hpp>
#include <weir/net/stream_options.hpp>
#include <weir/runtime/accept_gate.hpp>
#include <weir/runtime/loop_channel.hpp>
#include <weir/runtime/loop_group.hpp>
#include <weir/runtime/placement.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace weir {

struct server_options {
  explicit server_options(placement how = placement::reuse_port) : where(how) {}

  placement where;
  listen_options listen;
  stream_options streams;
  gate_options gate;
  std::size_t handover_max = 64; ///< a loop; rounded up to a power of two
  /// On the loop of `run`, once: all sockets listen; with the port that the system chose.
  std::function<void(const address& at)> on_listening;
  /// On the loop of the connection; must not throw.
  std::function<void(const failure& why)> on_failure;
};

class server {
 public:
  using handler = std::function<task<result<>>(stream client)>;

  server(loop_group& group, const address& at, const server_options& options, handler serve);
  ~server();

  task<result<>> run();
  void stop_accepting() noexcept;

  /// Of the loop numbered `index`: connections now, and all so far.
  std::size_t connections(unsigned index) const noexcept;
  std::uint64_t accepted(unsigned index) const noexcept;

 private:
  struct desk;
  struct guest;
  using taker = std::function<task<result<>>(admitted guest)>;

  task<result<>> run_on_each();
  task<result<>> run_on_one();
  task<result<>> attend_own(unsigned index, loop_channel<address> opened);
  task<result<>> attend_handed(unsigned index);
  task<result<>> accept_until_stopped(desk& at, listener& door, accept_gate& gate, taker take);
  task<result<>> attend(desk& at, guest who);
  std::size_t choose() noexcept;
  nursery_options bounds_of(std::size_t connections_max) const;

  loop_group& group_;
  address at_;
  server_options options_;
  handler serve_;
  std::vector<std::unique_ptr<desk>> desks_; ///< one a loop
  std::atomic<bool> stopping_{false};
  std::size_t turn_ = 0; ///< of round_robin
};

} // namespace weir
