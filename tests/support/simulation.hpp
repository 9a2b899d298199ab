// A simulated host on which a test's loops, sockets and peers are while it lives: what goes through
// weir::calls() on this thread meets it. And what a test needs to be the same on it as on real backends.
#pragma once

#include <weir/io/loop.hpp>
#include <weir/io/system_calls.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

namespace weir::sim {
class host;
class thread;
class world;
struct world_options;
} // namespace weir::sim

namespace weir::test {

/// Of a world in which nothing goes wrong.
sim::world_options without_faults();

class simulated_host {
 public:
  /// `is_hostile`: what a kernel may do, it does: transfers of parts, late and reordered completions. There
  /// is no network in it that could fail.
  explicit simulated_host(std::uint64_t seed, bool is_hostile);
  ~simulated_host();

  /// Of this thread; null: it has the real kernel.
  static simulated_host* current() noexcept;

  sim::host& on() noexcept;
  sim::world& in() noexcept;
  std::size_t open_descriptors() noexcept;
  bool raise(int signal) noexcept;

 private:
  struct inside;
  std::unique_ptr<inside> inside_;
};

/// A loop where the test is: `loop::create`, or on the simulated host.
result<std::unique_ptr<loop>> create_loop(const loop_options& options);

/// A peer that blocks. On a simulated host its turn comes as the world decides.
class peer_thread {
 public:
  explicit peer_thread(std::move_only_function<void()> body);
  ~peer_thread();

 private:
  std::unique_ptr<sim::thread> simulated_;
  std::jthread real_;
};

} // namespace weir::test
