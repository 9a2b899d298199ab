#include "platform/threads.hpp"

#include <weir/io/blocking_pool.hpp>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace weir {
namespace {

/// About a year: a wait of "for ever" stays within what the clock can count.
constexpr std::uint64_t idle_max_ns = std::uint64_t{365} * 24 * 3600 * 1'000'000'000;

} // namespace

std::string_view name_of(pool_class which) noexcept {
  constexpr std::array<std::string_view, pool_class_count> names{"cpu", "disk", "dns", "user"};
  return names[static_cast<std::size_t>(which)];
}

blocking_pool_options::blocking_pool_options() noexcept
    : classes{pool_class_options(std::max(1u, std::thread::hardware_concurrency()), 256),
              pool_class_options(8, 256), pool_class_options(4, 256), pool_class_options(8, 256)} {}

/// The queue and the threads of one class.
class blocking_pool::crew {
 public:
  crew(pool_class which, pool_class_options options, std::uint64_t idle_ns)
      : name_("weir-" + std::string(name_of(which))), options_(options),
        idle_(std::min(idle_ns, idle_max_ns)), places_(options.threads_max) {
    assert(options.threads_max > 0);
  }
  ~crew();

  result<> submit(pool_work& item, when_full policy) noexcept;
  bool revoke(pool_work& item) noexcept;

  std::size_t queued() noexcept {
    const std::lock_guard guard(lock_);
    return queued_count_;
  }
  unsigned threads() noexcept {
    const std::lock_guard guard(lock_);
    return threads_;
  }
  unsigned threads_busy() noexcept {
    const std::lock_guard guard(lock_);
    return threads_ - idle_count_;
  }

 private:
  std::error_code start_thread() noexcept;
  void work_until_idle(std::thread& mine) noexcept;
  bool wait_for_work(std::unique_lock<std::mutex>& guard);

  const std::string name_;
  const pool_class_options options_;
  const std::chrono::nanoseconds idle_;
  std::mutex lock_;
  std::condition_variable work_came_;
  intrusive_list<pool_work, pool_work> queue_;
  std::size_t queued_count_ = 0;
  std::vector<std::thread> places_; ///< joinable: taken
  unsigned threads_ = 0;
  unsigned idle_count_ = 0;
  const platform::core_set cores_ = platform::core_set::of_this_thread();
  bool is_ending_ = false;
};

blocking_pool::crew::~crew() {
  {
    const std::lock_guard guard(lock_);
    is_ending_ = true;
  }
  work_came_.notify_all();
  for (std::thread& each : places_)
    if (each.joinable()) each.join();
  assert(queue_.empty());
}

result<> blocking_pool::crew::submit(pool_work& item, when_full policy) noexcept {
  const std::lock_guard guard(lock_);
  if (is_ending_) return fail(errc::closed, "blocking pool");
  if (policy == when_full::refuse && queued_count_ >= options_.queue_max)
    return fail(errc::limit_reached, "blocking pool: queue_max");
  if (queued_count_ >= idle_count_ && threads_ < options_.threads_max) {
    const std::error_code why_none = start_thread();
    if (threads_ == 0) return fail(error(why_none, "blocking pool"));
  }
  queue_.push_back(item);
  ++queued_count_;
  work_came_.notify_one();
  return {};
}

bool blocking_pool::crew::revoke(pool_work& item) noexcept {
  const std::lock_guard guard(lock_);
  if (!item.is_linked()) return false;
  item.unlink();
  --queued_count_;
  return true;
}

/// With the lock held. A thread that does not start is no failure as long as there is another.
std::error_code blocking_pool::crew::start_thread() noexcept {
  for (std::thread& each : places_) {
    if (each.joinable()) continue;
    const platform::signals_blocked until_started;
    try {
      each = std::thread([this, &each] { work_until_idle(each); });
    } catch (const std::system_error& why) {
      return why.code();
    } catch (const std::bad_alloc&) {
      return std::make_error_code(std::errc::not_enough_memory);
    }
    ++threads_;
    return {};
  }
  return {};
}

void blocking_pool::crew::work_until_idle(std::thread& mine) noexcept {
  platform::name_this_thread(name_.c_str());
  cores_.bind_this_thread(); // not those of the loop that started it
  platform::give_way_to_loops();
  std::unique_lock guard(lock_);
  while (wait_for_work(guard)) {
    pool_work* item = queue_.pop_front();
    --queued_count_;
    guard.unlock();
    item->run_(*item); // from here on it may be gone
    guard.lock();
  }
  --threads_;
  if (!is_ending_) mine.detach(); // gives up its place: behind the lock it touches nothing any more
}

/// False when there has been none for too long, or there will be none.
bool blocking_pool::crew::wait_for_work(std::unique_lock<std::mutex>& guard) {
  ++idle_count_;
  work_came_.wait_for(guard, idle_, [this] { return !queue_.empty() || is_ending_; });
  --idle_count_;
  return !queue_.empty();
}

blocking_pool::blocking_pool(const blocking_pool_options& options) {
  for (std::size_t i = 0; i < pool_class_count; ++i)
    crews_[i] = std::make_unique<crew>(static_cast<pool_class>(i), options.classes[i], options.idle_ns);
}

blocking_pool::blocking_pool(no_threads) noexcept {}

blocking_pool::~blocking_pool() = default;

blocking_pool& blocking_pool::of_process() {
  // Never destroyed: others may use it while the program exits, and a forked child that exits has none of the
  // threads that the end of the pool would wait for.
  static blocking_pool& pool = *new blocking_pool();
  return pool;
}

result<> blocking_pool::submit(pool_class which, pool_work& item, when_full policy) noexcept {
  return of(which).submit(item, policy);
}

bool blocking_pool::revoke(pool_class which, pool_work& item) noexcept {
  return of(which).revoke(item);
}

std::size_t blocking_pool::queued(pool_class which) const noexcept {
  return of(which).queued();
}

unsigned blocking_pool::threads(pool_class which) const noexcept {
  return of(which).threads();
}

unsigned blocking_pool::threads_busy(pool_class which) const noexcept {
  return of(which).threads_busy();
}

} // namespace weir
