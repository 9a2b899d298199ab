// file: an open file, read and written at offsets. There is no cursor: two tasks cannot get in each other's
// way by it, and a read that is tried again reads the same.
//
//   result<file> log = co_await file::open("log",
//   open_options(access::write).creating(creation::if_missing)); transfer written = co_await
//   log->write_all_at(0, bytes);
//
// The loop never waits for a disk: io_uring carries everything out in the kernel, elsewhere threads of the
// pool do (docs/files.md). Any number of calls may be under way on a file; those that touch the same bytes
// have no order among them. Thread rule: the loop's thread. Lifetime: movable, but neither moved nor
// destroyed while a call is under way; memory that a call was given stays valid until its end. Destroying it
// closes it in place, which may wait for a network file system: `close` does not. Cancel-safety: `_some`
// calls moved nothing, or tell what they moved; `exactly` and `all` tell how far they came. Bound: none of
// its own (`operations_max` of the loop). Errors: of the system call, with the path; a write beyond
// RLIMIT_FSIZE raises SIGXFSZ besides, which has to be ignored to see the error.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/base/transfer.hpp>
#include <weir/fs/file_status.hpp>
#include <weir/fs/open_options.hpp>
#include <weir/io/descriptor.hpp>

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace weir::fs {

/// What transfers past the page cache have to be multiples of; 1 where nothing has to.
struct direct_alignment {
  std::uint32_t memory = 1; ///< addresses
  std::uint32_t offset = 1; ///< offsets and lengths
};

class file {
 public:
  file() = default;
  /// A FIFO is no file in this sense: its open waits until somebody opens the other end.
  static task<result<file>> open(std::string path, open_options options = open_options());
  /// Takes over a descriptor that is read and written through the page cache.
  static file adopt(descriptor opened, std::string path = "") noexcept {
    return file(std::move(opened), std::move(path));
  }

  explicit operator bool() const noexcept { return static_cast<bool>(opened_); }
  int native_handle() const noexcept { return opened_.get(); }
  const std::string& path() const noexcept { return path_; }
  /// As the file system tells it (statx(2), STATX_DIOALIGN, Linux 6.1); where it does not, 4096.
  const direct_alignment& alignment() const noexcept { return alignment_; }

  /// What one call brings, 0 at the end of the file.
  task<result<std::size_t>> read_some_at(std::uint64_t offset, std::span<std::byte> into);
  /// Into several places, at most 1024, one filled after the other.
  task<result<std::size_t>> read_some_at(std::uint64_t offset, std::span<const iovec> into);
  /// All of `into`, or the reason why not: errc::end_of_stream at the end of the file.
  task<transfer> read_exactly_at(std::uint64_t offset, std::span<std::byte> into);

  task<result<std::size_t>> write_some_at(std::uint64_t offset, std::span<const std::byte> from);
  task<result<std::size_t>> write_some_at(std::uint64_t offset, std::span<const iovec> from);
  task<transfer> write_all_at(std::uint64_t offset, std::span<const std::byte> from);
  /// The pieces are used up: what is left in them at the end was not written.
  task<transfer> write_all_at(std::uint64_t offset, std::span<iovec> from);

  task<result<file_status>> status() const;
  task<result<std::uint64_t>> size_bytes() const;

  /// Until all that was written is on the disk (fsync(2)).
  task<result<>> sync();
  /// The same without what is not needed to read it back, such as times (fdatasync(2)).
  task<result<>> sync_data();
  /// Room on the disk for a range, so that a write into it cannot lack it; extends the file (fallocate(2)).
  task<result<>> allocate(std::uint64_t offset, std::uint64_t bytes);
  /// Cuts the file off, or extends it by a hole.
  task<result<>> truncate(std::uint64_t size_bytes);

  /// Off the loop, in a cancelled scope too. Tells of errors of earlier writes only on some file systems:
  /// who must know calls `sync` first. The file is closed whatever the outcome.
  task<result<>> close();

 private:
  file(descriptor opened, std::string path) noexcept : opened_(std::move(opened)), path_(std::move(path)) {}

  /// Asks for the alignment of a file that was opened with O_DIRECT.
  task<result<>> ask_for_alignment();
  result<> check(const char* call, std::uint64_t offset, std::span<const iovec> pieces) const;
  std::unexpected<error> failure(error why) const { return fail(std::move(why).at(path_)); }

  descriptor opened_;
  std::string path_; ///< as it was opened, for errors
  direct_alignment alignment_;
};

} // namespace weir::fs
