// reactive_rig: a reactive_proactor with all that it needs and no loop, so that a test sees each wait and
// each system call. Below it either epoll or a reactor whose events the test writes down beforehand.
#pragma once

#include <weir/io/epoll_reactor.hpp>
#include <weir/io/reactive_proactor.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir::test::reactive {

inline constexpr std::uint64_t a_second_ns = 1'000'000'000;

/// Reports what the test has written down, and writes down what it is asked for.
class scripted_reactor final : public reactor {
 public:
  struct watch_call {
    int descriptor;
    readiness interest;
    friend bool operator==(const watch_call&, const watch_call&) = default;
  };

  int watch(int descriptor, readiness interest) noexcept override {
    watched.push_back({descriptor, interest});
    const auto refused = refusals.find(descriptor);
    return refused == refusals.end() ? 0 : refused->second;
  }
  std::span<const ready_event> wait(std::uint64_t timeout_ns) noexcept override {
    timeouts_ns.push_back(timeout_ns);
    current_.clear();
    if (!script.empty()) {
      current_ = std::move(script.front());
      script.pop_front();
    }
    return current_;
  }
  void wake() noexcept override { ++wakes; }
  std::string_view name() const noexcept override { return "scripted"; }

  /// The calls of `watch` since the last time.
  std::vector<watch_call> take_watched() { return std::exchange(watched, {}); }

  std::deque<std::vector<ready_event>> script; ///< what the waits to come report
  std::map<int, int> refusals;                 ///< by descriptor: what `watch` answers
  std::vector<watch_call> watched;
  std::vector<std::uint64_t> timeouts_ns;
  int wakes = 0;

 private:
  std::vector<ready_event> current_;
};

inline void PrintTo(const scripted_reactor::watch_call& call, std::ostream* out) {
  *out << "{" << call.descriptor << ", " << static_cast<int>(call.interest) << "}";
}

struct rig_options {
  buffer_pool_options buffers;
  proactor_options io;
  std::size_t completion_capacity = 1024;
};

class reactive_rig {
 public:
  /// A completion as a test compares it.
  struct outcome {
    const operation* op;
    int result;
    bool more;
    lease data;
    std::string text() const { return {reinterpret_cast<const char*>(data.data()), data.size()}; }
  };

  explicit reactive_rig(const rig_options& options = rig_options{}) : reactive_rig(nullptr, options) {
    auto made = epoll_reactor::create(counters);
    if (!made) throw std::runtime_error(made.error().message());
    use(std::move(*made), options);
  }
  reactive_rig(std::unique_ptr<reactor> below, const rig_options& options)
      : pool(options.buffers), completed(options.completion_capacity) {
    alive().push_back(this);
    if (below) use(std::move(below), options);
  }
  ~reactive_rig() {
    while (!started_.empty()) abandon(*started_.back());
    std::erase(alive(), this);
  }
  reactive_rig(const reactive_rig&) = delete;
  reactive_rig& operator=(const reactive_rig&) = delete;

  void start(operation& op) {
    started_.push_back(&op);
    io->start(op);
  }

  /// What is complete now, in order. An operation is retired as the loop would.
  std::vector<outcome> take() {
    std::vector<outcome> taken;
    while (auto entry = completed.pop()) taken.push_back(retired(std::move(*entry)));
    return taken;
  }

  /// Waits once, without sleeping.
  std::vector<outcome> take_after_wait() {
    io->wait(0);
    return take();
  }

  /// Waits as often as it takes.
  outcome next() {
    for (int waits = 0; completed.empty() && waits < 1000; ++waits) io->wait(patience_ns / 1000);
    if (completed.empty()) throw std::runtime_error("a completion did not come");
    return retired(std::move(*completed.pop()));
  }

  /// Ends what a test leaves in flight.
  static void abandon(operation& op) {
    for (reactive_rig* rig : alive()) {
      if (!rig->is_started(op)) continue;
      rig->io->cancel(op);
      while (!op.is_idle()) rig->take_after_wait();
      return;
    }
  }

  /// The loop's part in the end of an operation.
  void retire(operation& op) {
    access::state_of(op) = operation_state::idle;
    std::erase(started_, &op);
  }

  std::uint64_t system_calls_of(const std::function<void()>& act) {
    const std::uint64_t before = counters.system_calls;
    act();
    return counters.system_calls - before;
  }

  loop_counters counters;
  buffer_pool pool;
  completion_queue completed;
  std::unique_ptr<reactive_proactor> io;

 private:
  static constexpr std::uint64_t patience_ns = 10'000'000'000;

  struct access : proactor {
    using proactor::state_of;
  };

  void use(std::unique_ptr<reactor> below, const rig_options& options) {
    io = std::make_unique<reactive_proactor>(std::move(below), completed, pool, counters, options.io);
  }
  outcome retired(completion_queue::entry&& entry) {
    if (!entry.what.more) retire(*entry.op);
    return {entry.op, entry.what.result, entry.what.more, std::move(entry.what.data)};
  }

  bool is_started(const operation& op) const {
    return std::find(started_.begin(), started_.end(), &op) != started_.end();
  }
  static std::vector<reactive_rig*>& alive() {
    static std::vector<reactive_rig*> rigs;
    return rigs;
  }

  std::vector<operation*> started_;
};

/// An operation that a test may leave in flight.
template <class Operation>
struct abandonable : Operation {
  using Operation::Operation;
  ~abandonable() {
    if (!this->is_idle()) reactive_rig::abandon(*this);
  }
};
using nop_operation = abandonable<weir::nop_operation>;
using accept_operation = abandonable<weir::accept_operation>;
using connect_operation = abandonable<weir::connect_operation>;
using receive_operation = abandonable<weir::receive_operation>;
using receive_many_operation = abandonable<weir::receive_many_operation>;
using send_operation = abandonable<weir::send_operation>;
using send_gathered_operation = abandonable<weir::send_gathered_operation>;
using poll_operation = abandonable<weir::poll_operation>;

/// The rig does not call handlers.
inline void no_handler(operation&, completion&&) noexcept {}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

} // namespace weir::test::reactive
