#include "resolver_cache.hpp"

#include <iterator>
#include <utility>

namespace weir {
namespace {

/// Of list, table and reference count, about.
constexpr std::size_t overhead_bytes = 128;

std::size_t bytes_of_answer(const name_answer& answer) noexcept {
  return sizeof answer + answer.addresses.capacity() * sizeof(address) + answer.host.capacity();
}

} // namespace

shared_answer resolver_cache::find(std::string_view key, std::uint64_t now_ns) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  const position which = found->second;
  if (which->until_ns <= now_ns) {
    drop(which);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, which);
  return which->answer;
}

void resolver_cache::keep(std::string key, shared_answer answer, std::uint64_t until_ns) {
  if (const auto old = by_key_.find(key); old != by_key_.end()) drop(old->second);
  const std::size_t cost = overhead_bytes + key.size() + bytes_of_answer(*answer);
  if (cost > bytes_max_ || entries_max_ == 0) return;
  while (bytes_ + cost > bytes_max_ || by_key_.size() >= entries_max_) drop(std::prev(entries_.end()));
  entries_.push_front(entry{std::move(key), std::move(answer), until_ns, cost});
  try {
    by_key_.emplace(entries_.front().key, entries_.begin());
  } catch (...) { // an entry that nobody finds would count for nothing and never leave
    entries_.pop_front();
    throw;
  }
  bytes_ += cost;
}

void resolver_cache::drop(position which) {
  bytes_ -= which->bytes;
  by_key_.erase(which->key);
  entries_.erase(which);
}

} // namespace weir
