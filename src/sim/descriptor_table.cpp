#include <weir/sim/descriptor_table.hpp>

#include <algorithm>

namespace weir::sim {

int descriptor_table::add(file_ref what) {
  return put(std::move(what), 0);
}

int descriptor_table::duplicate(int number, int from) {
  file* const what = find(number);
  if (!what) return -EBADF;
  return put(file_ref(what), from <= first_number ? 0 : index_of(from));
}

int descriptor_table::put(file_ref what, std::size_t from) {
  std::size_t index = std::max(from, lowest_free_);
  while (index < slots_.size() && slots_[index].what) ++index;
  if (index >= limit_ || open_ >= limit_) return -EMFILE;
  if (from <= lowest_free_) lowest_free_ = index + 1;
  return put_at(std::move(what), index);
}

int descriptor_table::duplicate_as(int number, int as) {
  file* const what = find(number);
  const std::size_t index = index_of(as);
  if (!what || index >= limit_) return -EBADF;
  const file_ref kept(what);
  if (as == number) return -EINVAL;
  (void)close(as);
  return put_at(kept, index);
}

int descriptor_table::put_at(file_ref what, std::size_t index) {
  if (index >= slots_.size()) slots_.resize(index + 1);
  ++open_;
  opened(*what);
  slots_[index].what = std::move(what);
  slots_[index].is_close_on_exec = true;
  return first_number + static_cast<int>(index);
}

int descriptor_table::close(int number) noexcept {
  if (!find(number)) return -EBADF;
  const std::size_t index = index_of(number);
  const file_ref gone = std::move(slots_[index].what);
  --open_;
  lowest_free_ = std::min(lowest_free_, index);
  let_go(*gone);
  return 0;
}

void descriptor_table::let_go(file& what) noexcept {
  if (--what.descriptors_ > 0) return;
  what.closed();
  while (file_watcher* left = what.watchers_.front()) left->file_closed();
}

void descriptor_table::close_all() noexcept {
  for (std::size_t index = 0; index < slots_.size(); ++index) close(first_number + static_cast<int>(index));
}

} // namespace weir::sim
