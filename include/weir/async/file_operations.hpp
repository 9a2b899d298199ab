// The operations on files as awaitables: `result<std::size_t> got = co_await async_read_at(file, 0, into);`
// What fs/ and users of bare descriptors build on. Contract: operation_awaiter.hpp and
// io/file_operations.hpp.
//
// Each error carries the name of the operation. Lifetime: what arguments point to, paths included, stays
// valid until the end. Cancel-safety: cancelled, it did nothing, or gives what it did: a descriptor that was
// opened all the same is in the result, which closes it when nobody takes it.
#pragma once

#include <weir/async/operation_awaiter.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/io/file_operations.hpp>

#include <cstddef>
#include <span>

namespace weir {

/// openat(2); closed on exec.
class [[nodiscard]] async_open final : public operation_awaiter<open_operation> {
 public:
  async_open(int directory, const char* at_path, int with_flags, mode_t permissions = 0,
             std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, directory, at_path, with_flags, permissions,
                          &operation_awaiter::completed) {}
  result<weir::descriptor> await_resume() const noexcept {
    if (has_failed()) return failure();
    return weir::descriptor(value());
  }
};

/// How many bytes were read, 0 at the end of the file. Several pieces: at most 1024.
class [[nodiscard]] async_read_at final : public operation_awaiter<read_at_operation> {
 public:
  async_read_at(int file, std::uint64_t at_offset, std::span<std::byte> into,
                std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, file, at_offset, into, &operation_awaiter::completed) {}
  async_read_at(int file, std::uint64_t at_offset, std::span<const iovec> into,
                std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, file, at_offset, into, &operation_awaiter::completed) {}
  result<std::size_t> await_resume() const noexcept {
    if (has_failed()) return failure();
    return static_cast<std::size_t>(value());
  }
};

/// How many of the bytes were written; may be fewer than given.
class [[nodiscard]] async_write_at final : public operation_awaiter<write_at_operation> {
 public:
  async_write_at(int file, std::uint64_t at_offset, std::span<const std::byte> from,
                 std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, file, at_offset, from, &operation_awaiter::completed) {}
  async_write_at(int file, std::uint64_t at_offset, std::span<const iovec> from,
                 std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, file, at_offset, from, &operation_awaiter::completed) {}
  result<std::size_t> await_resume() const noexcept {
    if (has_failed()) return failure();
    return static_cast<std::size_t>(value());
  }
};

/// fsync(2), or fdatasync(2).
class [[nodiscard]] async_sync final : public operation_awaiter<sync_operation> {
 public:
  async_sync(int file, bool without_times,
             std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, file, without_times, &operation_awaiter::completed) {}
  result<> await_resume() const noexcept { return outcome_without_value(); }
};

/// fallocate(2).
class [[nodiscard]] async_allocate final : public operation_awaiter<allocate_operation> {
 public:
  async_allocate(int file, int in_mode, std::uint64_t from_offset, std::uint64_t count_bytes,
                 std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, file, in_mode, from_offset, count_bytes,
                          &operation_awaiter::completed) {}
  result<> await_resume() const noexcept { return outcome_without_value(); }
};

/// ftruncate(2).
class [[nodiscard]] async_truncate final : public operation_awaiter<truncate_operation> {
 public:
  async_truncate(int file, std::uint64_t to_bytes,
                 std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, file, to_bytes, &operation_awaiter::completed) {}
  result<> await_resume() const noexcept { return outcome_without_value(); }
};

/// statx(2).
class [[nodiscard]] async_status final : public operation_awaiter<status_operation> {
 public:
  async_status(int directory, const char* of_path, int with_flags, unsigned wanted_mask,
               struct statx* to_fill, std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, directory, of_path, with_flags, wanted_mask, to_fill,
                          &operation_awaiter::completed) {}
  result<> await_resume() const noexcept { return outcome_without_value(); }
};

/// renameat2(2).
class [[nodiscard]] async_rename final : public operation_awaiter<rename_operation> {
 public:
  async_rename(int from_directory, const char* from_path, int in_directory, const char* to_path,
               unsigned with_flags = 0, std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, from_directory, from_path, in_directory, to_path,
                          with_flags, &operation_awaiter::completed) {}
  result<> await_resume() const noexcept { return outcome_without_value(); }
};

/// unlinkat(2).
class [[nodiscard]] async_unlink final : public operation_awaiter<unlink_operation> {
 public:
  async_unlink(int directory, const char* of_path, int with_flags = 0,
               std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, directory, of_path, with_flags,
                          &operation_awaiter::completed) {}
  result<> await_resume() const noexcept { return outcome_without_value(); }
};

/// mkdirat(2).
class [[nodiscard]] async_make_directory final : public operation_awaiter<make_directory_operation> {
 public:
  async_make_directory(int directory, const char* at_path, mode_t permissions,
                       std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, directory, at_path, permissions,
                          &operation_awaiter::completed) {}
  result<> await_resume() const noexcept { return outcome_without_value(); }
};

/// splice(2) from a file into a pipe: how many bytes; std::errc::resource_unavailable_try_again when the pipe
/// is full.
class [[nodiscard]] async_splice final : public operation_awaiter<splice_operation> {
 public:
  async_splice(int from_descriptor, std::int64_t at_offset, int to_descriptor, std::int64_t to_at_offset,
               std::uint32_t at_most_bytes,
               std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, from_descriptor, at_offset, to_descriptor, to_at_offset,
                          at_most_bytes, &operation_awaiter::completed) {}
  result<std::size_t> await_resume() const noexcept {
    if (has_failed()) return failure();
    return static_cast<std::size_t>(value());
  }
};

} // namespace weir
