#include <weir/io/system_calls.hpp>
#include <weir/sim/fault_plan.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/simulated_pool.hpp>
#include <weir/sim/world.hpp>

#include <utility>

namespace weir::sim {
namespace {

// How long a thread takes to begin, and work to end; and how long at most when the seed delays it.
constexpr std::uint64_t begin_max_ns = 50'000;
constexpr std::uint64_t work_max_ns = 200'000;
constexpr std::uint64_t begin_late_max_ns = 100'000'000;
constexpr std::uint64_t work_late_max_ns = 50'000'000;

} // namespace

/// The line and the threads of one class.
class simulated_pool::crew {
 public:
  crew(host& on, pool_class which, pool_class_options options)
      : host_(on), class_(which), options_(options), begins_(*this) {
    for (unsigned i = 0; i < options.threads_max; ++i) threads_.push_back(std::make_unique<thread>(*this));
  }
  ~crew() {
    run_all();
    host_.in().cancel(begins_);
  }

  result<> submit(pool_work& item, when_full policy) noexcept {
    if (!host_.is_up()) return fail(errc::closed, "blocking pool");
    if (policy == when_full::refuse && queued_count_ >= options_.queue_max)
      return fail(errc::limit_reached, "blocking pool: queue_max");
    queue_.push_back(item);
    ++queued_count_;
    if (!begins_.is_scheduled()) schedule_begin();
    return {};
  }

  bool revoke(pool_work& item) noexcept {
    if (!item.is_linked()) return false;
    item.unlink();
    --queued_count_;
    return true;
  }

  void run_all() noexcept {
    for (auto& each : threads_)
      if (each->item) each->end();
    while (!queue_.empty()) {
      --queued_count_;
      run(*queue_.pop_front());
    }
  }

  std::size_t queued() const noexcept { return queued_count_; }
  unsigned threads() const noexcept { return options_.threads_max; }
  unsigned threads_busy() const noexcept { return busy_; }

 private:
  /// Has a piece of work for as long as that takes.
  struct thread : timed_event {
    explicit thread(crew& of) noexcept
        : timed_event([](timed_event& self) noexcept { static_cast<thread&>(self).end(); }), owner(of) {}
    void end() noexcept {
      owner.host_.in().cancel(*this);
      --owner.busy_;
      owner.run(*std::exchange(item, nullptr));
      if (owner.queued_count_ != 0 && !owner.begins_.is_scheduled()) owner.schedule_begin();
    }

    crew& owner;
    pool_work* item = nullptr;
  };

  struct begin_event : timed_event {
    explicit begin_event(crew& of) noexcept
        : timed_event([](timed_event& self) noexcept { static_cast<begin_event&>(self).owner.begin(); }),
          owner(of) {}
    crew& owner;
  };

  std::uint64_t duration(fault late, std::uint64_t most_ns, std::uint64_t late_most_ns) noexcept {
    world& in = host_.in();
    if (in.faults().happens(late, host_.number()))
      return in.faults().amounts(late).between(most_ns, late_most_ns);
    return in.random().between(1, most_ns);
  }

  void schedule_begin() noexcept {
    host_.in().after(duration(fault::pool_delayed, begin_max_ns, begin_late_max_ns), begins_);
  }

  /// Takes from the front of the line for all threads that are idle.
  void begin() noexcept {
    for (auto& each : threads_) {
      if (queue_.empty()) return;
      if (each->item) continue;
      each->item = queue_.pop_front();
      --queued_count_;
      ++busy_;
      host_.in().after(duration(fault::pool_reordered, work_max_ns, work_late_max_ns), *each);
    }
  }

  void run(pool_work& item) noexcept {
    if (host_.is_up())
      host_.in().log().note(event::pool_work, host_.number(), 0, static_cast<std::uint64_t>(class_));
    const system_calls_scope its_kernel(host_.calls());
    simulated_pool::run(item); // from here on it may be gone
  }

  host& host_;
  const pool_class class_;
  const pool_class_options options_;
  intrusive_list<pool_work, pool_work> queue_;
  std::size_t queued_count_ = 0;
  unsigned busy_ = 0;
  std::vector<std::unique_ptr<thread>> threads_;
  begin_event begins_;
};

simulated_pool::simulated_pool(host& on, const blocking_pool_options& options) : blocking_pool(no_threads()) {
  for (std::size_t i = 0; i < pool_class_count; ++i)
    crews_[i] = std::make_unique<crew>(on, static_cast<pool_class>(i), options.classes[i]);
}

simulated_pool::~simulated_pool() = default;

result<> simulated_pool::submit(pool_class which, pool_work& item, when_full policy) noexcept {
  return of(which).submit(item, policy);
}

bool simulated_pool::revoke(pool_class which, pool_work& item) noexcept {
  return of(which).revoke(item);
}

std::size_t simulated_pool::queued(pool_class which) const noexcept {
  return of(which).queued();
}

unsigned simulated_pool::threads(pool_class which) const noexcept {
  return of(which).threads();
}

unsigned simulated_pool::threads_busy(pool_class which) const noexcept {
  return of(which).threads_busy();
}

void simulated_pool::run_all() noexcept {
  for (auto& each : crews_) each->run_all();
}

} // namespace weir::sim
