// Files: opened, read, written, and asked about.
#include "disk_state.hpp"

#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>

namespace weir::sim {
namespace {

constexpr std::uint64_t file_bytes_max = std::uint64_t{1} << 44; // of ext4 with blocks of 4 KiB
constexpr std::size_t call_bytes_max = 0x7ffff000;               // write(2)

bool is_aligned(std::uint64_t value) noexcept {
  return value % sector_bytes == 0;
}

bool fits_direct(std::uint64_t offset, std::span<const iovec> pieces) noexcept {
  return is_aligned(offset) && std::ranges::all_of(pieces, [](const iovec& each) {
           return is_aligned(each.iov_len) && is_aligned(reinterpret_cast<std::uintptr_t>(each.iov_base));
         });
}

std::size_t total_of(std::span<const iovec> pieces) noexcept {
  std::size_t bytes = 0;
  for (const iovec& each : pieces) bytes += std::min(each.iov_len, call_bytes_max - bytes);
  return bytes;
}

/// Calls `visit(memory, bytes before)` for the pieces until so many bytes are used; it returns how many it
/// used.
template <class Visit>
std::size_t for_each_piece(std::span<const iovec> pieces, std::size_t bytes, Visit visit) {
  std::size_t done = 0;
  for (const iovec& each : pieces) {
    const std::size_t wanted = std::min(each.iov_len, bytes - done);
    const std::size_t used = visit(std::span(static_cast<std::byte*>(each.iov_base), wanted), done);
    done += used;
    if (used < wanted) break;
  }
  return done;
}

bool is_offset(std::uint64_t offset) noexcept {
  return offset <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
}

} // namespace

disk::disk(random_source random, fault_plan& faults, disk_options options)
    : state_(std::make_unique<state>(random, faults, options)) {}

disk::~disk() = default;

void disk::set_time(std::uint64_t wall_ns) noexcept {
  state_->now_ns = wall_ns;
}

std::uint64_t disk::free_bytes() const noexcept {
  return state_->free_sectors() * sector_bytes;
}

const disk_losses& disk::losses() const noexcept {
  return state_->losses;
}

int disk::open(const open_file* at, std::string_view path, int flags, mode_t permissions, handle& opened) {
  if ((flags & O_TMPFILE) == O_TMPFILE) return -EOPNOTSUPP;
  const bool creates = (flags & O_CREAT) != 0, is_exclusive = creates && (flags & O_EXCL) != 0;
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  disk_place where;
  const bool follows = !is_exclusive && (flags & O_NOFOLLOW) == 0;
  if (const int error = state_->find(at, path, follows, where); error != 0) return error;
  if (!where.node) {
    if (!creates) return -ENOENT;
    if (where.has_slash) return -EISDIR;
    if (const int error = state_->refuses_to_make(where); error != 0) return error;
    where.node = state_->make_node(S_IFREG | (permissions & 07777));
    state_->make_name(where, where.node);
  } else {
    if (is_exclusive) return -EEXIST;
    if (where.node->is_link()) return -ELOOP;
    if (where.node->is_directory() && (writes || creates)) return -EISDIR;
    if (!where.node->is_directory() && (flags & O_DIRECTORY) != 0) return -ENOTDIR;
  }
  if (state_->happens(fault::disk_error)) return -EIO;
  if ((flags & O_TRUNC) != 0 && writes)
    state_->change(*where.node, [](disk_content& content) { content.resize(0); });
  opened = std::make_shared<open_file>(*state_, where.node, flags);
  return 0;
}

std::int64_t disk::read_at(const open_file& file, std::uint64_t offset, std::span<const iovec> into) {
  if (file.is_stale()) return -EIO;
  if (!file.may_read()) return -EBADF;
  if (file.node->is_directory()) return -EISDIR;
  if (!is_offset(offset) || ((file.flags & O_DIRECT) != 0 && !fits_direct(offset, into))) return -EINVAL;
  if (state_->happens(fault::disk_error)) return -EIO;
  std::size_t wanted = total_of(into);
  if (wanted > 1 && state_->happens(fault::short_read))
    wanted = static_cast<std::size_t>(state_->random.between(1, wanted - 1));
  return static_cast<std::int64_t>(
      for_each_piece(into, wanted, [&](std::span<std::byte> memory, std::size_t before) {
        return file.node->content.read(offset + before, memory);
      }));
}

/// How many of the bytes find room, from the first on.
std::size_t disk::state::room_for(const disk_node& node, std::uint64_t offset,
                                  std::size_t bytes) const noexcept {
  const std::uint64_t free = free_sectors();
  std::size_t fits = 0, fits_not = bytes + 1;
  while (fits + 1 < fits_not) {
    const std::size_t middle = fits + (fits_not - fits) / 2;
    (node.content.sectors_missing(offset, middle) <= free ? fits : fits_not) = middle;
  }
  return fits;
}

std::int64_t disk::write_at(open_file& file, std::uint64_t offset, std::span<const iovec> from) {
  if (file.is_stale()) return -EIO;
  if (!file.may_write()) return -EBADF;
  if (!is_offset(offset) || ((file.flags & O_DIRECT) != 0 && !fits_direct(offset, from))) return -EINVAL;
  std::size_t wanted = total_of(from);
  if (wanted == 0) return 0;
  if ((file.flags & O_APPEND) != 0) offset = file.node->content.size_bytes();
  if (offset >= file_bytes_max) return -EFBIG;
  wanted = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, file_bytes_max - offset));
  if (state_->happens(fault::disk_error)) return -EIO;
  state_->write_back_at_times(*file.node);
  wanted = state_->room_for(*file.node, offset, wanted);
  if (state_->happens(fault::no_space)) wanted = static_cast<std::size_t>(state_->random.below(wanted + 1));
  if (wanted == 0) return -ENOSPC;
  state_->change(*file.node, [&](disk_content& content) {
    for_each_piece(from, wanted, [&](std::span<std::byte> memory, std::size_t before) {
      content.write(offset + before, memory);
      return memory.size();
    });
    if ((file.flags & O_DSYNC) != 0) content.sync(offset, wanted);
  });
  return static_cast<std::int64_t>(wanted);
}

int disk::allocate(open_file& file, int mode, std::uint64_t offset, std::uint64_t bytes) {
  constexpr int punches = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  if (file.is_stale()) return -EIO;
  if (!is_offset(offset) || !is_offset(bytes) || bytes == 0) return -EINVAL;
  if (mode != 0 && mode != FALLOC_FL_KEEP_SIZE && mode != punches) return -EOPNOTSUPP;
  if (!file.may_write()) return -EBADF;
  if (offset > file_bytes_max || bytes > file_bytes_max - offset) return -EFBIG;
  if (state_->happens(fault::disk_error)) return -EIO;
  if (mode != punches) {
    const bool is_full = file.node->content.sectors_missing(offset, bytes) > state_->free_sectors();
    if (is_full || state_->happens(fault::no_space)) return -ENOSPC;
  }
  state_->change(*file.node, [&](disk_content& content) {
    if (mode == punches) return content.punch(offset, bytes);
    content.reserve(offset, bytes);
    if (mode == 0 && offset + bytes > content.size_bytes()) content.resize(offset + bytes);
  });
  return 0;
}

int disk::truncate(open_file& file, std::uint64_t size_bytes) {
  if (file.is_stale()) return -EIO;
  if (!is_offset(size_bytes) || !file.may_write()) return -EINVAL;
  if (size_bytes > file_bytes_max) return -EFBIG;
  if (state_->happens(fault::disk_error)) return -EIO;
  state_->write_back_at_times(*file.node);
  state_->change(*file.node, [&](disk_content& content) { content.resize(size_bytes); });
  return 0;
}

int disk::status(const open_file* at, const char* path, int flags, struct statx& found) {
  if (!path) return -EFAULT;
  disk_place where;
  if (path[0] == '\0' && (flags & AT_EMPTY_PATH) != 0) {
    if (at && at->is_stale()) return -EIO;
    where.node = at ? at->node : state_->root;
  } else {
    const bool follows = (flags & AT_SYMLINK_NOFOLLOW) == 0;
    if (const int error = state_->find(at, path, follows, where); error != 0) return error;
  }
  if (!where.node) return -ENOENT;
  const disk_node& node = *where.node;
  found = {};
  found.stx_mask = STATX_BASIC_STATS & ~unsigned{STATX_ATIME | STATX_CTIME};
  found.stx_blksize = page_bytes;
  found.stx_nlink = node.names_count + (node.is_directory() ? 1 : 0);
  found.stx_mode = static_cast<std::uint16_t>(node.mode);
  found.stx_ino = node.inode;
  found.stx_size = node.is_link() ? node.target.size() : node.content.size_bytes();
  found.stx_blocks = node.content.allocated_sectors();
  found.stx_mtime.tv_sec = static_cast<std::int64_t>(node.modified_ns / 1'000'000'000);
  found.stx_mtime.tv_nsec = static_cast<std::uint32_t>(node.modified_ns % 1'000'000'000);
  if (node.is_regular()) {
    found.stx_mask |= STATX_DIOALIGN;
    found.stx_dio_mem_align = found.stx_dio_offset_align = sector_bytes;
  }
  return 0;
}

} // namespace weir::sim
