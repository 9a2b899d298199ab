// disk: the file system of a simulated host, in memory: what its programs see, and what would be left if the
// power failed now. Answers like Linux: a count or 0, or -errno.
//
// What a crash leaves is decided by the seed, among all that a real file system might leave:
//  - what was synced (fsync, fdatasync, a write with O_DSYNC): the bytes and the size of the file;
//  - of other bytes any of their pages, and with the fault torn_write any of their sectors of 512 bytes. Each
//    holds a version that it had since it was synced, since a kernel also writes on its own. Sectors are
//    whole;
//  - of the size of a file that grew the old or the new one, with zeros where bytes were lost
//    (name_order::journalled: a new size only with the bytes below it, as ext4 does with data=ordered). A
//    file that was cut was cut before what was written behind the cut;
//  - of names those that were synced, and of later changes any, in such a way that each that survives finds
//    those that it builds on, and that a rename is made or not made. `name_order` says what syncs them.
// Faults (fault.hpp): short_read, disk_error (a read, write, sync or change of a name fails with EIO; a sync
// that fails has written a part and forgets the rest, which the next sync does not write either), no_space,
// torn_write, lost_write: whether a crash takes anything at all.
//
// Left out: users and permissions (all may do all; umask 022), times but that of the last change, hard links,
// FIFOs and devices. Relative paths without a directory start at the root. Sources: Pillai and others, "All
// File Systems Are Not Created Equal", OSDI 2014 (ALICE); Rebello and others, "Can Applications Recover from
// fsync Failures?", ATC 2020; the kernel's documentation of ext4 (data modes); the manual page of each call.
//
// Thread rule: one thread. Lifetime: outlives what was opened, which has to be given up before the disk goes.
// Bound: `capacity_bytes`; 256 changes of names that are not durable, then the oldest become so.
#pragma once

#include <weir/sim/fault_plan.hpp>
#include <weir/sim/random.hpp>

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace weir::sim {

enum class name_order : std::uint8_t {
  journalled, ///< as ext4: changes survive in their order, and any sync makes all earlier ones durable
  any,        ///< as POSIX: they survive in any order; only a sync of a directory is good for its names
};

struct disk_options {
  std::uint64_t capacity_bytes = std::uint64_t{1} << 30;
  name_order names = name_order::any;
  std::uint32_t host = 0; ///< in the trace
};

/// What crashes took so far.
struct disk_losses {
  std::uint64_t sectors = 0;
  std::uint64_t pages_torn = 0;
  std::uint64_t name_changes = 0;
};

class disk {
 public:
  /// What open(2) makes: a file or a directory, and how it may be used.
  class open_file;
  using handle = std::shared_ptr<open_file>;

  disk(random_source random, fault_plan& faults, disk_options options = disk_options());
  ~disk();

  /// Of what is changed from now on, since 1970.
  void set_time(std::uint64_t wall_ns) noexcept;

  // Paths: `at` is the directory at which relative ones start; null: the root.
  int open(const open_file* at, std::string_view path, int flags, mode_t permissions, handle& opened);
  std::int64_t read_at(const open_file& file, std::uint64_t offset, std::span<const iovec> into);
  std::int64_t write_at(open_file& file, std::uint64_t offset, std::span<const iovec> from);
  int sync(open_file& file, bool data_only);
  /// Modes: 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE with it.
  int allocate(open_file& file, int mode, std::uint64_t offset, std::uint64_t bytes);
  int truncate(open_file& file, std::uint64_t size_bytes);
  int status(const open_file* at, const char* path, int flags, struct statx& found);
  int rename(const open_file* at, std::string_view from, const open_file* to_at, std::string_view to,
             unsigned flags);
  int unlink(const open_file* at, std::string_view path, int flags);
  int make_directory(const open_file* at, std::string_view path, mode_t permissions);
  int make_symbolic_link(std::string_view target, const open_file* at, std::string_view path);
  /// getdents64(2), without "." and "..": the names behind those that were listed, in an order of their own.
  std::int64_t list(open_file& directory, std::span<std::byte> records);

  /// The power fails and comes back: what is not durable is gone. What was open answers -EIO from now on.
  void crash();

  std::uint64_t free_bytes() const noexcept;
  const disk_losses& losses() const noexcept;

 private:
  struct state;

  std::unique_ptr<state> state_;
};

} // namespace weir::sim
