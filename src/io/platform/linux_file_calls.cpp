#include "../file_calls.hpp"

#include <weir/io/platform/sockets.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace weir {
namespace {

template <class Call>
int uninterrupted(Call call) noexcept {
  for (;;) {
    const auto result = call();
    if (result >= 0) return static_cast<int>(result);
    if (errno != EINTR) return -errno;
  }
}

int call(const open_operation& op) noexcept {
  return uninterrupted([&] { return ::openat(op.descriptor(), op.path, op.flags | O_CLOEXEC, op.mode); });
}

int call(const transfer_at_operation& op) noexcept {
  const auto count = static_cast<int>(op.pieces().size());
  const auto offset = static_cast<off_t>(op.offset);
  const bool reads = op.kind() == operation_kind::read_at;
  return uninterrupted([&] {
    return reads ? ::preadv(op.descriptor(), op.pieces().data(), count, offset)
                 : ::pwritev(op.descriptor(), op.pieces().data(), count, offset);
  });
}

int call(const sync_operation& op) noexcept {
  return uninterrupted(
      [&] { return op.data_only ? ::fdatasync(op.descriptor()) : ::fsync(op.descriptor()); });
}

int call(const allocate_operation& op) noexcept {
  return uninterrupted([&] {
    return ::fallocate(op.descriptor(), op.mode, static_cast<off_t>(op.offset), static_cast<off_t>(op.bytes));
  });
}

int call(const truncate_operation& op) noexcept {
  return uninterrupted([&] { return ::ftruncate(op.descriptor(), static_cast<off_t>(op.size_bytes)); });
}

int call(const status_operation& op) noexcept {
  return uninterrupted([&] { return ::statx(op.descriptor(), op.path, op.flags, op.mask, op.into); });
}

int call(const rename_operation& op) noexcept {
  return uninterrupted(
      [&] { return ::renameat2(op.descriptor(), op.from, op.to_directory, op.to, op.flags); });
}

int call(const unlink_operation& op) noexcept {
  return uninterrupted([&] { return ::unlinkat(op.descriptor(), op.path, op.flags); });
}

int call(const make_directory_operation& op) noexcept {
  return uninterrupted([&] { return ::mkdirat(op.descriptor(), op.path, op.mode); });
}

int call(const splice_operation& op) noexcept {
  off64_t from_offset = op.from_offset;
  off64_t to_offset = op.to_offset;
  return uninterrupted([&] {
    return ::splice(op.descriptor(), from_offset < 0 ? nullptr : &from_offset, op.to,
                    to_offset < 0 ? nullptr : &to_offset, op.bytes, SPLICE_F_NONBLOCK);
  });
}

} // namespace

int call_blocking(file_operation& op) noexcept {
  return visit_file_operation(op, [](const auto& which) noexcept { return call(which); });
}

} // namespace weir
