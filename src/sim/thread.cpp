#include <weir/io/system_calls.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/thread.hpp>

#include <atomic>
#include <semaphore>
#include <thread>
#include <utility>

namespace weir::sim {

/// Who holds it runs: the world, or the thread.
struct thread::baton {
  std::binary_semaphore of_thread{0};
  std::binary_semaphore of_world{0};
  const std::function<bool()>* is_over = nullptr; ///< null: it does not wait
  std::uint64_t until_ns = 0;
  bool has_ended = false;
  std::jthread real;

  void to_thread() {
    of_thread.release();
    of_world.acquire();
  }
  void to_world() {
    of_world.release();
    of_thread.acquire();
  }
};

thread::thread(host& on, std::move_only_function<void()> body)
    : host_(on), baton_(std::make_unique<baton>()) {
  baton_->real = std::jthread([this, what = std::move(body)]() mutable {
    baton_->of_thread.acquire();
    {
      const system_calls_scope its_kernel(host_.calls());
      const world::patience_scope waits_here(*this);
      auto running = std::move(what); // and goes with what it holds before the thread ends
      running();
    }
    baton_->has_ended = true;
    baton_->of_world.release();
  });
  host_.in().add(*this);
}

thread::~thread() {
  host_.in().wait_until([this] { return has_ended(); }, event_queue::never_ns);
  host_.in().remove(*this);
}

bool thread::has_ended() const noexcept {
  return baton_->has_ended;
}

std::uint64_t thread::runnable_at_ns() const noexcept {
  if (baton_->has_ended) return event_queue::never_ns;
  return !baton_->is_over || (*baton_->is_over)() ? 0 : baton_->until_ns;
}

void thread::run() {
  baton_->to_thread();
}

void thread::wait(const std::function<bool()>& is_over, std::uint64_t until_ns) {
  baton_->is_over = &is_over;
  baton_->until_ns = until_ns;
  baton_->to_world();
  baton_->is_over = nullptr;
}

} // namespace weir::sim
