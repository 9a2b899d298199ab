// The operations on files: open, read and write at an offset, sync, allocate, truncate, status, rename,
// unlink, make_directory, splice. They are operations like all others (operation.hpp, docs/operations.md) on
// every backend: asynchronous in the kernel on io_uring as far as the kernel knows them (the number behind
// each is the Linux that brought it), else made by a thread of the blocking pool, class `disk`: what a disk
// does has no readiness.
//
// Lifetime: paths, pieces, buffers and what is filled in stay valid until the completion. Results: those of
// the system call of the same name, or -errno. Cancel-safety: one that no thread and no kernel worker has
// begun never begins and completes with -ECANCELED; one that runs completes with its true result, a
// descriptor that was opened included, which belongs to whoever handles the completion. Bound:
// `operations_max`; on a reactor they stand in the line of the pool's class, which is made of their own
// memory. Errors besides: -ESHUTDOWN while the pool ends; -EAGAIN when no thread can be started.
#pragma once

#include <weir/io/blocking_pool.hpp>
#include <weir/io/operation.hpp>
#include <weir/io/platform/files.hpp>
#include <weir/io/work.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace weir {

class file_offload;
struct iocp_request;

/// Whether `kind` is one of those below.
constexpr bool is_file_operation(operation_kind kind) noexcept {
  return kind >= operation_kind::open && kind <= operation_kind::splice;
}

/// What all of them have: the way through the pool and back, or into a kernel.
class file_operation : public operation, private pool_work, private work {
 protected:
  file_operation(operation_kind of_kind, int on_descriptor, handler on_completion) noexcept;
  ~file_operation() = default;

 private:
  friend class file_offload;
  friend class iocp_proactor;
  file_offload* offload_ = nullptr;
  iocp_request* request_ = nullptr; ///< what carries it, on a completion port
  int outcome_ = 0;
};

/// openat(2), always with O_CLOEXEC. 5.6. Whoever handles the completion owns the descriptor. A FIFO is no
/// file in this sense: its open holds a thread until somebody opens the other end.
class open_operation : public file_operation {
 public:
  open_operation(int directory, const char* at_path, int with_flags, mode_t permissions,
                 handler on_completion) noexcept
      : file_operation(operation_kind::open, directory, on_completion), path(at_path), flags(with_flags),
        mode(permissions) {}

  const char* path;
  int flags;
  mode_t mode;
};

constexpr bool is_transfer_at(operation_kind kind) noexcept {
  return kind == operation_kind::read_at || kind == operation_kind::write_at;
}

/// What read_at and write_at have in common: one piece of memory, or several.
class transfer_at_operation : public file_operation {
 public:
  std::span<const iovec> pieces() const noexcept { return pieces_; }

  std::uint64_t offset;

 protected:
  static constexpr std::size_t piece_bytes_max = 0x7ffff000; ///< of one call (read(2)): more comes out short

  transfer_at_operation(operation_kind of_kind, int file, std::uint64_t at_offset, void* memory,
                        std::size_t bytes, handler on_completion) noexcept
      : file_operation(of_kind, file, on_completion), offset(at_offset),
        single_{memory, std::min(bytes, piece_bytes_max)}, pieces_(&single_, 1) {}
  transfer_at_operation(operation_kind of_kind, int file, std::uint64_t at_offset,
                        std::span<const iovec> pieces, handler on_completion) noexcept
      : file_operation(of_kind, file, on_completion), offset(at_offset), pieces_(pieces) {
    assert(pieces.size() <= 1024 && "IOV_MAX");
  }
  ~transfer_at_operation() = default;

 private:
  iovec single_{};
  std::span<const iovec> pieces_;
};

/// preadv(2). 5.6. The result may be less than asked for; 0 at the end of the file.
class read_at_operation : public transfer_at_operation {
 public:
  read_at_operation(int file, std::uint64_t at_offset, std::span<std::byte> into,
                    handler on_completion) noexcept
      : transfer_at_operation(operation_kind::read_at, file, at_offset, into.data(), into.size(),
                              on_completion) {}
  read_at_operation(int file, std::uint64_t at_offset, std::span<const iovec> into,
                    handler on_completion) noexcept
      : transfer_at_operation(operation_kind::read_at, file, at_offset, into, on_completion) {}
};

/// pwritev(2). 5.6. The result may be less than asked for.
class write_at_operation : public transfer_at_operation {
 public:
  write_at_operation(int file, std::uint64_t at_offset, std::span<const std::byte> from,
                     handler on_completion) noexcept
      : transfer_at_operation(operation_kind::write_at, file, at_offset, const_cast<std::byte*>(from.data()),
                              from.size(), on_completion) {}
  write_at_operation(int file, std::uint64_t at_offset, std::span<const iovec> from,
                     handler on_completion) noexcept
      : transfer_at_operation(operation_kind::write_at, file, at_offset, from, on_completion) {}
};

/// fsync(2), or fdatasync(2). 5.1.
class sync_operation : public file_operation {
 public:
  sync_operation(int file, bool without_times, handler on_completion) noexcept
      : file_operation(operation_kind::sync, file, on_completion), data_only(without_times) {}

  bool data_only; ///< fdatasync: what is not needed to read the data back, such as times, may be lost
};

/// fallocate(2), 5.6: `mode` of FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE and so on; 0 extends the file.
class allocate_operation : public file_operation {
 public:
  allocate_operation(int file, int in_mode, std::uint64_t from_offset, std::uint64_t count_bytes,
                     handler on_completion) noexcept
      : file_operation(operation_kind::allocate, file, on_completion), mode(in_mode), offset(from_offset),
        bytes(count_bytes) {}

  int mode;
  std::uint64_t offset;
  std::uint64_t bytes;
};

/// ftruncate(2). 6.9.
class truncate_operation : public file_operation {
 public:
  truncate_operation(int file, std::uint64_t to_bytes, handler on_completion) noexcept
      : file_operation(operation_kind::truncate, file, on_completion), size_bytes(to_bytes) {}

  std::uint64_t size_bytes;
};

/// statx(2), 5.6: `flags` of AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW and so on.
class status_operation : public file_operation {
 public:
  status_operation(int directory, const char* of_path, int with_flags, unsigned wanted_mask,
                   struct statx* to_fill, handler on_completion) noexcept
      : file_operation(operation_kind::status, directory, on_completion), path(of_path), flags(with_flags),
        mask(wanted_mask), into(to_fill) {}

  const char* path;
  int flags;
  unsigned mask;
  struct statx* into;
};

/// renameat2(2), 5.11: `flags` of RENAME_NOREPLACE and RENAME_EXCHANGE.
class rename_operation : public file_operation {
 public:
  rename_operation(int from_directory, const char* from_path, int in_directory, const char* to_path,
                   unsigned with_flags, handler on_completion) noexcept
      : file_operation(operation_kind::rename, from_directory, on_completion), from(from_path),
        to_directory(in_directory), to(to_path), flags(with_flags) {}

  const char* from;
  int to_directory;
  const char* to;
  unsigned flags;
};

/// unlinkat(2), 5.11: `flags` 0, or AT_REMOVEDIR for a directory.
class unlink_operation : public file_operation {
 public:
  unlink_operation(int directory, const char* of_path, int with_flags, handler on_completion) noexcept
      : file_operation(operation_kind::unlink, directory, on_completion), path(of_path), flags(with_flags) {}

  const char* path;
  int flags;
};

/// mkdirat(2). 5.15.
class make_directory_operation : public file_operation {
 public:
  make_directory_operation(int directory, const char* at_path, mode_t permissions,
                           handler on_completion) noexcept
      : file_operation(operation_kind::make_directory, directory, on_completion), path(at_path),
        mode(permissions) {}

  const char* path;
  mode_t mode;
};

/// splice(2), 5.7, with SPLICE_F_NONBLOCK: from a file into a pipe or back. May wait for a disk, never for
/// bytes of a pipe or for room in it: then it completes with -EAGAIN. Sockets among the two must be
/// non-blocking. Offsets: -1 for what has none.
class splice_operation : public file_operation {
 public:
  static constexpr std::int64_t no_offset = -1;

  splice_operation(int from_descriptor, std::int64_t at_offset, int to_descriptor, std::int64_t to_at_offset,
                   std::uint32_t at_most_bytes, handler on_completion) noexcept
      : file_operation(operation_kind::splice, from_descriptor, on_completion), from_offset(at_offset),
        to(to_descriptor), to_offset(to_at_offset), bytes(at_most_bytes) {}

  std::int64_t from_offset;
  int to;
  std::int64_t to_offset;
  std::uint32_t bytes;
};

/// Calls `visit` with the operation as what its kind says it is; what it returns is a result.
template <class Visitor>
int visit_file_operation(file_operation& op, Visitor&& visit) {
  switch (op.kind()) {
  case operation_kind::open:
    return visit(static_cast<open_operation&>(op));
  case operation_kind::read_at:
    return visit(static_cast<read_at_operation&>(op));
  case operation_kind::write_at:
    return visit(static_cast<write_at_operation&>(op));
  case operation_kind::sync:
    return visit(static_cast<sync_operation&>(op));
  case operation_kind::allocate:
    return visit(static_cast<allocate_operation&>(op));
  case operation_kind::truncate:
    return visit(static_cast<truncate_operation&>(op));
  case operation_kind::status:
    return visit(static_cast<status_operation&>(op));
  case operation_kind::rename:
    return visit(static_cast<rename_operation&>(op));
  case operation_kind::unlink:
    return visit(static_cast<unlink_operation&>(op));
  case operation_kind::make_directory:
    return visit(static_cast<make_directory_operation&>(op));
  case operation_kind::splice:
    return visit(static_cast<splice_operation&>(op));
  default:
    assert(false && "not an operation on files");
    return -ENOSYS;
  }
}

} // namespace weir
