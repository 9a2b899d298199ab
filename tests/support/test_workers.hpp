// Masters for tests, their workers, which are the test program once more, and clients of them.
//
// A worker says its process id to each client, a line, and answers each line of it by the same, except:
// "die" (SIGSEGV), "hang" (its loop turns no more), "leave" (it ends), "descriptors" (what it has open).
#pragma once

#include <weir/net/stream.hpp>
#include <weir/runtime/master.hpp>

#include <support/coroutine_fixture.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace weir::test {

/// A client that knows by which process it is served.
struct served_client {
  stream connection;
  pid_t process = 0; ///< 0: it was refused, or the worker was gone before it said anything

  /// What comes back; empty: the connection has ended.
  task<std::string> ask(std::string words);
};

task<served_client> join_workers(address at);

/// Options of a master of workers whose `kind` is one of
///   "echo"         as above
///   "fails"        exits with code 3 before it is ready
///   "never_ready"  only waits
///   "slow"         does not end by itself when it drains
///   "stubborn"     not even when its scope is asked to end
master_options workers_of(const std::string& kind, unsigned count, backend of_loops);

/// Processes take long: once on io_uring and once on epoll, however they read.
inline auto with_each_loop() {
  const auto all = streaming_backends();
  return testing::Values(all.front(), all.back());
}

/// A master beside a test, on its loop.
class master_fixture : public backend_test {
 protected:
  void TearDown() override;

  master_options options_for(const std::string& kind, unsigned count = 1) const {
    return workers_of(kind, count, GetParam().which);
  }
  /// Notes what the master tells.
  void create(master_options options);

  /// Runs `body`, once all workers are ready, beside the master, and makes that drain afterwards; what its
  /// `run` gave.
  template <std::invocable Body>
  result<> beside_master(Body body) {
    auto act = [&]() -> task<> {
      co_await wait_for(worker_event_kind::ready, workers_);
      co_await body();
      boss_->drain();
    };
    auto both = [&]() -> task<result<>> {
      auto outcome = co_await when_all(run_master(), act());
      co_return std::get<0>(outcome);
    };
    return run(both());
  }
  /// The same for one that ends by itself.
  result<> run_alone() { return run(run_master()); }

  master& boss() { return *boss_; }
  address at() const { return *boss_->local_address("echo"); }

  std::size_t count(worker_event_kind kind) const;
  const worker_event& last(worker_event_kind kind) const;
  /// Until so many of the kind were told, or the master has ended.
  task<> wait_for(worker_event_kind kind, std::size_t at_least = 1);
  std::string all_told() const;

 private:
  task<result<>> run_master();

  std::unique_ptr<master> boss_;
  unsigned workers_ = 0;
  bool has_ended_ = false;
  std::vector<worker_event> told_;
  std::unique_ptr<event> news_;
};

} // namespace weir::test
