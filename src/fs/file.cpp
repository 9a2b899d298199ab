#include <weir/async/file_operations.hpp>
#include <weir/async/offload.hpp>
#include <weir/async/operations.hpp>
#include <weir/async/shield.hpp>
#include <weir/fs/file.hpp>
#include <weir/io/system_calls.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace weir::fs {
namespace {

/// Where the file system does not tell what it wants: no disk in use wants more.
constexpr std::uint32_t cautious_alignment = 4096;

constexpr std::uint64_t offset_max = std::numeric_limits<std::int64_t>::max();

bool is_multiple(std::uint64_t value, std::uint32_t of) noexcept {
  return value % of == 0;
}

/// Drops `count` bytes from the front; what remains begins with a piece that is not empty.
std::span<iovec> behind(std::span<iovec> pieces, std::size_t count) noexcept {
  while (!pieces.empty() && count >= pieces.front().iov_len) {
    count -= pieces.front().iov_len;
    pieces.front().iov_len = 0;
    pieces = pieces.subspan(1);
  }
  if (!pieces.empty()) {
    pieces.front().iov_base = static_cast<std::byte*>(pieces.front().iov_base) + count;
    pieces.front().iov_len -= count;
  }
  return pieces;
}

/// A reactor closes in place, which suits sockets: the last close of a file may wait for its disk.
task<result<>> close_on_thread(descriptor opened) {
  auto close_it = [&opened]() -> result<> {
    if (calls().close(opened.release()) != 0) return fail(error::from_errno(errno, "close"));
    return {};
  };
  result<> outcome = co_await offload(pool_class::disk, close_it);
  if (opened) outcome = close_it(); // the pool ends, or cannot start a thread
  co_return outcome;
}

iovec piece_of(std::span<const std::byte> bytes) noexcept {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

} // namespace

// --- opening and closing ---

task<result<file>> file::open(std::string path, open_options options) {
  result<descriptor> opened = co_await async_open(AT_FDCWD, path.c_str(), options.flags(), options.mode());
  if (!opened) co_return fail(std::move(opened).error().at(path));
  file made(std::move(*opened), std::move(path));
  if (options.is_direct()) {
    result<> asked = co_await made.ask_for_alignment();
    if (!asked) co_return fail(std::move(asked).error());
  }
  co_return std::move(made);
}

task<result<>> file::ask_for_alignment() {
  struct statx found{};
  result<> asked = co_await async_status(native_handle(), "", AT_EMPTY_PATH, STATX_DIOALIGN, &found);
  if (!asked) co_return failure(std::move(asked).error());
  const bool is_told = (found.stx_mask & STATX_DIOALIGN) != 0 && found.stx_dio_offset_align != 0;
  alignment_.memory = is_told ? found.stx_dio_mem_align : cautious_alignment;
  alignment_.offset = is_told ? found.stx_dio_offset_align : cautious_alignment;
  co_return result<>();
}

task<result<>> file::close() {
  result<> closed;
  const bool on_threads =
      loop::current()->backend().execution_of(operation_kind::sync) == execution::offloaded;
  if (on_threads) {
    closed = co_await shield(close_on_thread(std::move(opened_)));
  } else {
    closed = co_await async_close(std::move(opened_));
  }
  if (!closed) co_return failure(std::move(closed).error());
  co_return closed;
}

/// What the kernel would refuse with no more than EINVAL is refused here with the reason.
result<> file::check(const char* call, std::uint64_t offset, std::span<const iovec> pieces) const {
  const auto refused = [&](const char* why) {
    return failure(error(std::errc::invalid_argument, why).at(path_));
  };
  if (offset > offset_max) return refused(call);
  if (alignment_.offset <= 1 && alignment_.memory <= 1) return {};
  if (!is_multiple(offset, alignment_.offset)) return refused("direct transfer: the offset is not aligned");
  for (const iovec& each : pieces) {
    if (!is_multiple(each.iov_len, alignment_.offset))
      return refused("direct transfer: the length is not aligned");
    if (!is_multiple(reinterpret_cast<std::uintptr_t>(each.iov_base), alignment_.memory))
      return refused("direct transfer: the memory is not aligned");
  }
  return {};
}

// --- reading ---

task<result<std::size_t>> file::read_some_at(std::uint64_t offset, std::span<std::byte> into) {
  const iovec piece = piece_of(into);
  if (auto fits = check("read_at: offset", offset, std::span(&piece, 1)); !fits) co_return fail(fits.error());
  result<std::size_t> got = co_await async_read_at(native_handle(), offset, into);
  if (!got) co_return failure(std::move(got).error());
  co_return got;
}

task<result<std::size_t>> file::read_some_at(std::uint64_t offset, std::span<const iovec> into) {
  if (auto fits = check("read_at: offset", offset, into); !fits) co_return fail(fits.error());
  result<std::size_t> got = co_await async_read_at(native_handle(), offset, into);
  if (!got) co_return failure(std::move(got).error());
  co_return got;
}

task<transfer> file::read_exactly_at(std::uint64_t offset, std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    result<std::size_t> got = co_await read_some_at(offset + done, into.subspan(done));
    if (!got) co_return transfer(done, std::move(got).error());
    done += *got;
    // Past the page cache a read comes out odd only at the end of the file, and none could go on from there.
    const bool is_end = *got == 0 || !is_multiple(*got, alignment_.offset);
    if (is_end && done < into.size())
      co_return transfer(done, error(errc::end_of_stream, "read_exactly_at").at(path_));
  }
  co_return transfer(done);
}

// --- writing ---

task<result<std::size_t>> file::write_some_at(std::uint64_t offset, std::span<const std::byte> from) {
  const iovec piece = piece_of(from);
  if (auto fits = check("write_at: offset", offset, std::span(&piece, 1)); !fits)
    co_return fail(fits.error());
  result<std::size_t> put = co_await async_write_at(native_handle(), offset, from);
  if (!put) co_return failure(std::move(put).error());
  co_return put;
}

task<result<std::size_t>> file::write_some_at(std::uint64_t offset, std::span<const iovec> from) {
  if (auto fits = check("write_at: offset", offset, from); !fits) co_return fail(fits.error());
  result<std::size_t> put = co_await async_write_at(native_handle(), offset, from);
  if (!put) co_return failure(std::move(put).error());
  co_return put;
}

task<transfer> file::write_all_at(std::uint64_t offset, std::span<const std::byte> from) {
  iovec piece = piece_of(from);
  co_return co_await write_all_at(offset, std::span<iovec>(&piece, 1));
}

task<transfer> file::write_all_at(std::uint64_t offset, std::span<iovec> from) {
  std::size_t done = 0;
  from = behind(from, 0);
  while (!from.empty()) {
    const auto next = from.first(std::min<std::size_t>(from.size(), 1024)); // IOV_MAX
    result<std::size_t> put = co_await write_some_at(offset + done, std::span<const iovec>(next));
    if (put && *put == 0) put = failure(error(std::errc::io_error, "write_at"));
    if (!put) co_return transfer(done, std::move(put).error());
    done += *put;
    from = behind(from, *put);
  }
  co_return transfer(done);
}

// --- what it is, and its room on the disk ---

task<result<file_status>> file::status() const {
  struct statx found{};
  result<> asked = co_await async_status(native_handle(), "", AT_EMPTY_PATH, STATX_BASIC_STATS, &found);
  if (!asked) co_return failure(std::move(asked).error());
  co_return file_status(found);
}

task<result<std::uint64_t>> file::size_bytes() const {
  result<file_status> found = co_await status();
  if (!found) co_return fail(std::move(found).error());
  co_return found->size_bytes;
}

task<result<>> file::sync() {
  result<> done = co_await async_sync(native_handle(), false);
  if (!done) co_return failure(std::move(done).error());
  co_return done;
}

task<result<>> file::sync_data() {
  result<> done = co_await async_sync(native_handle(), true);
  if (!done) co_return failure(std::move(done).error());
  co_return done;
}

task<result<>> file::allocate(std::uint64_t offset, std::uint64_t bytes) {
  result<> done = co_await async_allocate(native_handle(), 0, offset, bytes);
  if (!done) co_return failure(std::move(done).error());
  co_return done;
}

task<result<>> file::truncate(std::uint64_t size_bytes) {
  result<> done = co_await async_truncate(native_handle(), size_bytes);
  if (!done) co_return failure(std::move(done).error());
  co_return done;
}

} // namespace weir::fs
