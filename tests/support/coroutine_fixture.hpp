// A test that is a coroutine on the loop of a backend: for what stands above operations. At its end nothing
// may be left: neither what loop_fixture looks for, nor a coroutine frame, nor a byte that waits to be sent.
#pragma once

#include <weir/async/frame_pool.hpp>
#include <weir/async/run.hpp>
#include <weir/async/task.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/yield.hpp>

#include <gtest/gtest.h>
#include <support/loop_fixture.hpp>
#include <support/per_backend.hpp>
#include <support/sockets.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir::test {

using namespace std::chrono_literals;

/// Fails the test when its scope ends, before anything else hears of that, and says what was waited for.
class vain_wait : private cancel_callback {
 public:
  explicit vain_wait(cancellation& scope) noexcept
      : cancel_callback([](cancel_callback&) noexcept {
          ADD_FAILURE() << "waited in vain for\n" << loop::current()->dump();
        }) {
    scope.add(*this);
  }
  ~vain_wait() { unlink(); }
};

/// Runs `main` in a scope that ends after `patience_ns`: a test that waits in vain fails and says so.
template <class T>
task<T> within_patience(task<T> main) {
  deadline_scope scope(nullptr, std::chrono::nanoseconds(patience_ns));
  const vain_wait in_vain(scope);
  if constexpr (std::is_void_v<T>) {
    co_await std::move(main).under(&scope);
  } else {
    co_return co_await std::move(main).under(&scope);
  }
}

class coroutine_fixture : public loop_fixture {
 protected:
  void TearDown() override;

  void open(const backend_case& which, const loop_options& options,
            const loop::backend_factory& backends = nullptr);

  template <class T>
  T run(task<T> main) {
    return weir::run(on(), within_patience(std::move(main)));
  }
  /// Runs a lambda that returns a task. It lives as long as the task.
  template <std::invocable Body>
  auto run(Body body) {
    return run(body());
  }

 private:
  /// What a test has dropped ends within a few turns.
  void settle();

  bool is_open_ = false;
};

/// Lets the loop turn until `happened`; for what no event tells.
task<> until(std::function<bool()> happened);
/// Lets some turns pass, in which the kernel is asked too: for what must not happen.
task<> turns(int count);

/// The backends of this system that differ in how bytes arrive.
std::vector<backend_case> streaming_backends();
/// The real backends on which everything above operations is tested: those, and what is a component.
std::vector<backend_case> real_upper_backends();
/// Those, or simulated hosts (is_on_simulated_hosts), a kind one and a hostile one.
std::vector<backend_case> upper_backends();

/// Once on each of them.
class backend_test : public per_backend<coroutine_fixture> {};

/// Once on each of them with each kind of stream socket.
class transport_test : public per_transport<coroutine_fixture> {
 protected:
  /// Pool slots that unread bytes pin: without those that lie in the kernel's hands.
  std::size_t pinned_slots();
};

inline auto on_each_backend() {
  return testing::ValuesIn(upper_backends());
}
/// For what simulated hosts cannot have: threads and processes beside the loop, sockets of other libraries.
inline auto on_each_real_backend() {
  return testing::ValuesIn(real_upper_backends());
}
inline auto over_each_transport() {
  return testing::Combine(on_each_backend(), testing::Values(transport::tcp, transport::local));
}
inline auto over_tcp() {
  return testing::Combine(on_each_backend(), testing::Values(transport::tcp));
}

} // namespace weir::test
