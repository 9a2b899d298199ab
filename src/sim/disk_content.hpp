// disk_content: the bytes of one file: what programs see, and what the platter holds. Sparse, in pages of
// 4 KiB that consist of sectors of 512 bytes: a disk writes a sector whole or not at all.
//
// What a crash may leave of unsynced changes (sim/disk.hpp has the model): each page or sector by itself, the
// size by itself, and a cut (the file was made shorter) before everything that was written behind it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>

namespace weir::sim {

class random_source;

inline constexpr std::size_t sector_bytes = 512;
inline constexpr std::size_t page_sectors = 8;
inline constexpr std::size_t page_bytes = sector_bytes * page_sectors;

/// How a crash, or a kernel that writes on its own, chooses among what is dirty.
struct survival {
  std::uint32_t per_million; ///< of a page or sector, of a cut, of a size
  bool is_torn;              ///< sectors of a page have fates of their own
  bool is_ordered;           ///< a size that grew survives only with the bytes that it covers
};

/// What a crash took.
struct crash_losses {
  std::size_t sectors_lost = 0;
  std::size_t pages_torn = 0; ///< pages of which some sectors were kept and others lost
};

class disk_content {
 public:
  std::uint64_t size_bytes() const noexcept { return size_bytes_; }
  std::uint64_t allocated_sectors() const noexcept { return allocated_sectors_; }
  bool is_synced() const noexcept {
    return dirty_sectors_ == 0 && size_bytes_ == durable_size_bytes_ && cut_bytes_ == no_cut;
  }

  /// Of the range, how many sectors have no room yet.
  std::uint64_t sectors_missing(std::uint64_t offset, std::uint64_t bytes) const noexcept;

  /// How many bytes there were, up to the end of the file.
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) const noexcept;
  void write(std::uint64_t offset, std::span<const std::byte> from);
  /// Cuts it off, or extends it by a hole.
  void resize(std::uint64_t size_bytes);
  /// Room for a range, which reads as it did. Does not extend the file.
  void reserve(std::uint64_t offset, std::uint64_t bytes);
  /// Makes a hole of a range.
  void punch(std::uint64_t offset, std::uint64_t bytes);

  void sync();
  /// Of the bytes only those, but the size in any case.
  void sync(std::uint64_t offset, std::uint64_t bytes);
  /// A disk that fails to take what it is given: of the dirty some is written, and all counts as written.
  void fail_sync(random_source& random);
  /// Some of what is dirty becomes durable: what a kernel does on its own. How many pages were torn by it.
  std::size_t write_back(random_source& random, survival of_each);
  /// The same, and then what is not durable is gone.
  crash_losses crash(random_source& random, survival of_each);

 private:
  struct page {
    std::array<std::byte, page_bytes> cached{};
    std::array<std::byte, page_bytes> durable{};
    std::uint8_t dirty = 0;
    std::uint8_t allocated = 0;
  };
  static constexpr std::uint64_t no_cut = std::numeric_limits<std::uint64_t>::max();

  void allocate(page& in, std::size_t first, std::size_t behind) noexcept;
  void release(page& in, std::size_t first, std::size_t behind) noexcept;
  void mark_dirty(page& in, std::size_t first, std::size_t behind) noexcept;
  void clean(page& in, std::size_t sector, bool is_written) noexcept;
  static bool is_dirty(const page& in, std::size_t sector) noexcept { return (in.dirty >> sector & 1u) != 0; }
  /// How many pages were torn by it.
  std::size_t write_sectors(random_source& random, survival of_each, std::uint64_t end_bytes);
  void commit_cut();
  void forget_cache();

  std::map<std::uint64_t, page> pages_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t durable_size_bytes_ = 0;
  std::uint64_t cut_bytes_ = no_cut; ///< the least size since the size was durable, where less than that
  std::uint64_t allocated_sectors_ = 0;
  std::uint64_t dirty_sectors_ = 0;
};

} // namespace weir::sim
