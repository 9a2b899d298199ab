#include "disk_content.hpp"

#include <weir/sim/random.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

namespace weir::sim {
namespace {

/// The sectors of a page that bytes [from, to) touch, as a mask.
std::uint8_t sectors_of(std::size_t from, std::size_t to) noexcept {
  const std::size_t first = from / sector_bytes;
  const std::size_t behind = (to + sector_bytes - 1) / sector_bytes;
  return static_cast<std::uint8_t>(((1u << behind) - 1) & ~((1u << first) - 1));
}

/// Calls `visit(page number, first byte within it, the byte behind the last, bytes visited before)`.
template <class Visit>
void for_each_page(std::uint64_t offset, std::uint64_t bytes, Visit visit) {
  for (std::uint64_t done = 0; done < bytes;) {
    const std::uint64_t at = offset + done;
    const auto from = static_cast<std::size_t>(at % page_bytes);
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(page_bytes - from, bytes - done));
    visit(at / page_bytes, from, from + count, static_cast<std::size_t>(done));
    done += count;
  }
}

} // namespace

// --- what programs do ---

std::uint64_t disk_content::sectors_missing(std::uint64_t offset, std::uint64_t bytes) const noexcept {
  std::uint64_t missing = 0;
  for_each_page(offset, bytes, [&](std::uint64_t number, std::size_t from, std::size_t to, std::size_t) {
    const auto found = pages_.find(number);
    const unsigned there = found == pages_.end() ? 0 : found->second.allocated;
    missing += static_cast<unsigned>(std::popcount(sectors_of(from, to) & ~there));
  });
  return missing;
}

std::size_t disk_content::read(std::uint64_t offset, std::span<std::byte> into) const noexcept {
  if (offset >= size_bytes_) return 0;
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_bytes_ - offset));
  for_each_page(offset, bytes, [&](std::uint64_t number, std::size_t from, std::size_t to, std::size_t done) {
    const auto found = pages_.find(number);
    if (found == pages_.end())
      std::memset(into.data() + done, 0, to - from);
    else
      std::memcpy(into.data() + done, found->second.cached.data() + from, to - from);
  });
  return bytes;
}

void disk_content::write(std::uint64_t offset, std::span<const std::byte> from_memory) {
  for_each_page(offset, from_memory.size(),
                [&](std::uint64_t number, std::size_t from, std::size_t to, std::size_t done) {
                  page& in = pages_[number];
                  std::memcpy(in.cached.data() + from, from_memory.data() + done, to - from);
                  allocate(in, from, to);
                  mark_dirty(in, from, to);
                });
  if (!from_memory.empty()) size_bytes_ = std::max(size_bytes_, offset + from_memory.size());
}

void disk_content::resize(std::uint64_t size_bytes) {
  if (size_bytes < size_bytes_) {
    if (size_bytes < durable_size_bytes_) cut_bytes_ = std::min(cut_bytes_, size_bytes);
    for (auto at = pages_.lower_bound(size_bytes / page_bytes); at != pages_.end(); ++at) {
      const std::uint64_t begin = at->first * page_bytes;
      const auto from = static_cast<std::size_t>(size_bytes > begin ? size_bytes - begin : 0);
      std::memset(at->second.cached.data() + from, 0, page_bytes - from);
      mark_dirty(at->second, from, page_bytes); // should the file grow again, that is what it will read
      release(at->second, from, page_bytes);
    }
  }
  size_bytes_ = size_bytes;
}

void disk_content::reserve(std::uint64_t offset, std::uint64_t bytes) {
  for_each_page(offset, bytes, [&](std::uint64_t number, std::size_t from, std::size_t to, std::size_t) {
    allocate(pages_[number], from, to);
  });
}

void disk_content::punch(std::uint64_t offset, std::uint64_t bytes) {
  const std::uint64_t end = offset < size_bytes_ ? offset + std::min(bytes, size_bytes_ - offset) : offset;
  for (auto at = pages_.lower_bound(offset / page_bytes); at != pages_.end(); ++at) {
    const std::uint64_t begin = at->first * page_bytes;
    if (begin >= end) break;
    const auto from = static_cast<std::size_t>(offset > begin ? offset - begin : 0);
    const auto to = static_cast<std::size_t>(std::min<std::uint64_t>(end - begin, page_bytes));
    std::memset(at->second.cached.data() + from, 0, to - from);
    mark_dirty(at->second, from, to);
    release(at->second, from, to);
  }
}

// --- what the disk holds ---

void disk_content::sync() {
  commit_cut();
  for (auto& [number, each] : pages_)
    for (std::size_t sector = 0; sector < page_sectors; ++sector) clean(each, sector, true);
  durable_size_bytes_ = size_bytes_;
  std::erase_if(pages_, [this](const auto& each) {
    return each.first * page_bytes >= size_bytes_ && each.second.allocated == 0;
  });
}

void disk_content::sync(std::uint64_t offset, std::uint64_t bytes) {
  commit_cut();
  for_each_page(offset, bytes, [&](std::uint64_t number, std::size_t from, std::size_t to, std::size_t) {
    const auto found = pages_.find(number);
    if (found == pages_.end()) return;
    for (std::size_t sector = from / sector_bytes; sector * sector_bytes < to; ++sector)
      clean(found->second, sector, true);
  });
  durable_size_bytes_ = size_bytes_;
}

void disk_content::fail_sync(random_source& random) {
  commit_cut();
  for (auto& [number, each] : pages_)
    for (std::size_t sector = 0; sector < page_sectors; ++sector)
      if (is_dirty(each, sector)) clean(each, sector, random.chance(500'000));
  durable_size_bytes_ = size_bytes_;
}

std::size_t disk_content::write_back(random_source& random, survival of_each) {
  if (cut_bytes_ != no_cut && random.chance(of_each.per_million)) commit_cut();
  // What was written behind a cut lies in new blocks, which belong to the file only once it is cut.
  if (cut_bytes_ != no_cut) return write_sectors(random, of_each, cut_bytes_ / sector_bytes * sector_bytes);
  const std::size_t torn = write_sectors(random, of_each, size_bytes_);
  if (size_bytes_ == durable_size_bytes_ || !random.chance(of_each.per_million)) return torn;
  if (of_each.is_ordered && size_bytes_ > durable_size_bytes_)
    write_sectors(random, {1'000'000, false, true}, size_bytes_);
  durable_size_bytes_ = size_bytes_;
  return torn;
}

crash_losses disk_content::crash(random_source& random, survival of_each) {
  crash_losses losses;
  losses.pages_torn = write_back(random, of_each);
  losses.sectors_lost = static_cast<std::size_t>(dirty_sectors_);
  forget_cache();
  return losses;
}

std::size_t disk_content::write_sectors(random_source& random, survival of_each, std::uint64_t end_bytes) {
  std::size_t torn = 0;
  for (auto& [number, each] : pages_) {
    if (each.dirty == 0 || number * page_bytes >= end_bytes) continue;
    const std::uint8_t before = each.dirty;
    const bool is_page_written = random.chance(of_each.per_million);
    for (std::size_t sector = 0; sector < page_sectors; ++sector) {
      if (!is_dirty(each, sector) || number * page_bytes + sector * sector_bytes >= end_bytes) continue;
      const bool is_written = of_each.is_torn ? random.chance(of_each.per_million) : is_page_written;
      if (is_written) clean(each, sector, true);
    }
    if (each.dirty != 0 && each.dirty != before) ++torn;
  }
  return torn;
}

/// The shorter size is durable, and with it that nothing is behind it.
void disk_content::commit_cut() {
  if (cut_bytes_ == no_cut) return;
  for (auto at = pages_.lower_bound(cut_bytes_ / page_bytes); at != pages_.end(); ++at) {
    const std::uint64_t begin = at->first * page_bytes;
    const auto from = static_cast<std::size_t>(cut_bytes_ > begin ? cut_bytes_ - begin : 0);
    std::memset(at->second.durable.data() + from, 0, page_bytes - from);
  }
  durable_size_bytes_ = std::min(durable_size_bytes_, cut_bytes_);
  cut_bytes_ = no_cut;
}

/// As after a start: what programs see is what the disk holds.
void disk_content::forget_cache() {
  size_bytes_ = durable_size_bytes_;
  cut_bytes_ = no_cut;
  dirty_sectors_ = 0;
  for (auto at = pages_.begin(); at != pages_.end();) {
    page& each = at->second;
    const std::uint64_t begin = at->first * page_bytes;
    const auto kept = static_cast<std::size_t>(
        std::min<std::uint64_t>(size_bytes_ > begin ? size_bytes_ - begin : 0, page_bytes));
    std::memset(each.durable.data() + kept, 0, page_bytes - kept);
    each.cached = each.durable;
    each.dirty = 0;
    release(each, kept, page_bytes);
    at = kept == 0 ? pages_.erase(at) : std::next(at);
  }
}

// --- sectors ---

void disk_content::allocate(page& in, std::size_t from, std::size_t to) noexcept {
  const auto added = static_cast<std::uint8_t>(sectors_of(from, to) & ~in.allocated);
  in.allocated = static_cast<std::uint8_t>(in.allocated | added);
  allocated_sectors_ += static_cast<unsigned>(std::popcount(added));
}

/// Those that lie wholly within the range.
void disk_content::release(page& in, std::size_t from, std::size_t to) noexcept {
  const std::size_t first = (from + sector_bytes - 1) / sector_bytes * sector_bytes;
  const std::size_t behind = to / sector_bytes * sector_bytes;
  if (first >= behind) return;
  const auto gone = static_cast<std::uint8_t>(sectors_of(first, behind) & in.allocated);
  in.allocated = static_cast<std::uint8_t>(in.allocated & ~gone);
  allocated_sectors_ -= static_cast<unsigned>(std::popcount(gone));
}

void disk_content::mark_dirty(page& in, std::size_t from, std::size_t to) noexcept {
  const auto added = static_cast<std::uint8_t>(sectors_of(from, to) & ~in.dirty);
  in.dirty = static_cast<std::uint8_t>(in.dirty | added);
  dirty_sectors_ += static_cast<unsigned>(std::popcount(added));
}

void disk_content::clean(page& in, std::size_t sector, bool is_written) noexcept {
  if (!is_dirty(in, sector)) return;
  in.dirty = static_cast<std::uint8_t>(in.dirty & ~(1u << sector));
  --dirty_sectors_;
  if (is_written)
    std::memcpy(in.durable.data() + sector * sector_bytes, in.cached.data() + sector * sector_bytes,
                sector_bytes);
}

} // namespace weir::sim
