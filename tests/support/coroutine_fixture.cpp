#include <weir/async/sleep.hpp>

#include <support/coroutine_fixture.hpp>

#include <algorithm>

namespace weir::test {

void coroutine_fixture::open(const backend_case& which, const loop_options& options,
                             const loop::backend_factory& backends) {
  settle();
  loop_fixture::open(which, options, backends);
  is_open_ = !IsSkipped() && !HasFatalFailure();
}

void coroutine_fixture::settle() {
  if (!std::exchange(is_open_, false)) return;
  EXPECT_TRUE(wait_for([this] { return on().outstanding() == 0; })) << "something was never closed";
  EXPECT_EQ(on().send_buffers().slots_in_use(), 0u) << "bytes that wait to be sent";
  EXPECT_EQ(frame_pool::frames_live(), 0u);
}

void coroutine_fixture::TearDown() {
  settle();
  loop_fixture::TearDown();
}

std::size_t transport_test::pinned_slots() {
  const bool has_ring =
      on().backend().capabilities().has(capability::provided_buffers) && which().is_io_uring();
  const std::size_t in_ring = has_ring ? on().options().io.ring_slots : 0;
  return std::max(on().buffers().slots_in_use(), in_ring) -
         in_ring; // a ring may lack slots until it is filled up
}

task<> until(std::function<bool()> happened) {
  result<> passed;
  while (passed && !happened()) passed = co_await yield();
}

task<> turns(int count) {
  // A nap of no length ends in the turn after, so that each time the kernel was asked in between.
  for (int i = 0; i < count; ++i) {
    [[maybe_unused]] result<> slept = co_await sleep_for(0ns);
  }
}

std::vector<backend_case> streaming_backends() {
  constexpr std::array<std::string_view, 4> names{"io_uring", "io_uring_one_shot", "epoll_adaptive", "iocp"};
  std::vector<backend_case> found;
  for (const backend_case& each : all_backends())
    if (std::ranges::find(names, each.name) != names.end()) found.push_back(each);
  return found;
}

std::vector<backend_case> real_upper_backends() {
  std::vector<backend_case> real = streaming_backends();
  for (const backend_case& each : all_backends())
    if (each.maker) real.push_back(each);
  return real;
}

std::vector<backend_case> upper_backends() {
  if (!is_on_simulated_hosts()) return real_upper_backends();
  const std::span<const backend_case> simulated = simulated_backends();
  return {simulated.begin(), simulated.end()};
}

} // namespace weir::test
