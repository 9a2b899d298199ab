#include "disk_journal.hpp"

#include <weir/sim/random.hpp>

#include <algorithm>
#include <utility>

namespace weir::sim {
namespace {

bool is_about(const name_change& change, const disk_node* node) noexcept {
  return node && (change.before.get() == node || change.after.get() == node);
}

bool builds_on_change(const name_change& later, const name_change& earlier) noexcept {
  if (later.directory == earlier.directory && later.name == earlier.name) return true;
  if (is_about(earlier, later.before.get()) || is_about(earlier, later.after.get())) return true;
  return is_about(earlier, later.directory.get()) || is_about(later, earlier.directory.get());
}

} // namespace

void disk_journal::add(std::vector<name_change> change) {
  if (entries_.size() == changes_max) {
    commit(entries_.front());
    entries_.pop_front();
  }
  entries_.push_back({std::move(change), false});
}

void disk_journal::sync_all() {
  for (entry& each : entries_) each.is_chosen = true;
  commit_chosen();
}

void disk_journal::sync(const disk_node& directory) {
  for (entry& each : entries_)
    each.is_chosen = std::ranges::any_of(
        each.changes, [&](const name_change& change) { return change.directory.get() == &directory; });
  for (std::size_t later = entries_.size(); later-- > 0;) {
    if (!entries_[later].is_chosen) continue;
    for (std::size_t earlier = 0; earlier < later; ++earlier)
      if (builds_on(entries_[later], entries_[earlier])) entries_[earlier].is_chosen = true;
  }
  commit_chosen();
}

void disk_journal::write_back(random_source& random, bool is_ordered, std::uint32_t per_million) {
  if (entries_.empty() || per_million == 0) return;
  if (is_ordered) {
    const std::uint64_t kept =
        random.chance(per_million) ? entries_.size() : random.below(entries_.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) entries_[i].is_chosen = true;
  } else {
    for (std::size_t i = 0; i < entries_.size(); ++i)
      entries_[i].is_chosen = random.chance(per_million) && has_foundations(i);
  }
  commit_chosen();
}

std::size_t disk_journal::crash(random_source& random, bool is_ordered, std::uint32_t per_million) {
  write_back(random, is_ordered, per_million);
  const std::size_t lost = entries_.size();
  entries_.clear();
  return lost;
}

void disk_journal::commit(entry& which) {
  for (name_change& each : which.changes) {
    if (each.after)
      each.directory->durable_names[each.name] = std::move(each.after);
    else
      each.directory->durable_names.erase(each.name);
  }
}

bool disk_journal::builds_on(const entry& later, const entry& earlier) noexcept {
  for (const name_change& one : later.changes)
    for (const name_change& other : earlier.changes)
      if (builds_on_change(one, other)) return true;
  return false;
}

bool disk_journal::has_foundations(std::size_t index) const noexcept {
  for (std::size_t earlier = 0; earlier < index; ++earlier)
    if (!entries_[earlier].is_chosen && builds_on(entries_[index], entries_[earlier])) return false;
  return true;
}

/// Oldest first.
void disk_journal::commit_chosen() {
  for (entry& each : entries_)
    if (each.is_chosen) commit(each);
  std::erase_if(entries_, [](const entry& each) { return each.is_chosen; });
}

} // namespace weir::sim
