// worker: a process that a master (master.hpp) has started, seen from inside. The same program is both:
//
//   int main() { return worker::is_one() ? be_worker() : be_master(); }
//
//   int be_worker() {
//     result<std::unique_ptr<worker>> me = worker::adopt();
//     …
//     return run(*loop, (*me)->run(serve(**me))) ? 0 : 1;
//   }
//
// `serve` opens its door, says that it is ready, accepts until the door says errc::closed, and ends when its
// clients are served. What asks the worker to drain: its master, SIGTERM or SIGINT, and the end of its
// master, however that came about. Then its doors take no more, and `serve` has until the drain deadline
// (master_options::drain_within); after that its scope is asked to end. SIGHUP concerns the master alone and
// is dropped.
//
// Thread rule: `is_one` and `adopt` first thing in main, before threads; the rest on the loop's thread.
// Lifetime: outlives `run`, with which its doors close. Bound: one descriptor for the master, one a socket.
#pragma once

#include <weir/async/event.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/net/listener.hpp>
#include <weir/os/signal_set.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

class worker_channel;
struct worker_terms;

class worker {
 public:
  /// Whether a master has started this process.
  static bool is_one() noexcept;
  /// Takes over what the master passed on, out of the environment and close-on-exec: children of this process
  /// are no workers. Once a process.
  static result<std::unique_ptr<worker>> adopt();
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// From 0: the place that it fills among the workers; its replacement has the same.
  unsigned number() const noexcept;

  /// The listener on the socket that the master calls so; from then on it accepts. The same one each time.
  /// On the loop. errc::invalid_argument: there is no such socket.
  result<listener*> door(std::string_view name, const listen_options& options = listen_options{});

  /// Tells the master that it serves. Only then are those that it replaces asked to drain.
  result<> ready();

  bool is_draining() const noexcept { return draining_.is_set(); }
  /// Set, for good, when the worker is to drain: for what has to say goodbye, or keeps idle connections.
  event& draining() noexcept { return draining_; }
  /// Drains as if the master had asked.
  void drain() noexcept;

  /// Runs `serving` to its end, answers the master meanwhile, and drains when asked to. Once.
  /// std::errc::timed_out: the drain deadline came first.
  task<result<>> run(task<result<>> serving);

 private:
  struct shared_socket {
    std::string name;
    descriptor socket; ///< until its door is opened
    std::unique_ptr<listener> door;
  };

  struct closing_of_doors;

  worker(worker_channel channel, worker_terms terms, signal_set signals);
  task<result<>> obey_master();
  task<result<>> obey_signals();
  task<result<>> say_alive();
  task<result<>> enforce_drain(cancellation& serving, bool& is_late);
  task<result<>> attend(cancellation& serving, bool& is_late);

  std::unique_ptr<worker_channel> channel_;
  std::unique_ptr<worker_terms> terms_;
  signal_set signals_; ///< from `adopt` on: one that comes before the loop runs is not lost, and kills nobody
  std::vector<shared_socket> sockets_;
  event draining_{event_reset::manual};
};

} // namespace weir
