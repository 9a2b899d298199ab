#include <weir/io/inbox.hpp>

namespace weir {

bool inbox::push(work& item) noexcept {
  if (size_.fetch_add(1, std::memory_order_relaxed) >= capacity_) {
    size_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  put(item);
  return true;
}

void inbox::push_answer(work& item) noexcept {
  size_.fetch_add(1, std::memory_order_relaxed);
  put(item);
}

void inbox::put(work& item) noexcept {
  work* newest = head_.load(std::memory_order_relaxed);
  do {
    item.next = newest;
  } while (!head_.compare_exchange_weak(newest, &item, std::memory_order_seq_cst, std::memory_order_relaxed));
}

work_queue inbox::take_all() noexcept {
  work* newest = head_.exchange(nullptr, std::memory_order_acquire);
  work_queue oldest_first;
  std::size_t count = 0;
  while (newest) {
    work* item = newest;
    newest = item->next;
    oldest_first.push_front(*item);
    ++count;
  }
  size_.fetch_sub(count, std::memory_order_relaxed);
  return oldest_first;
}

} // namespace weir
