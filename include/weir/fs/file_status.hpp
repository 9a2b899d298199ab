// file_status: what a file system knows of a file (statx(2)).
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace weir::fs {

enum class file_kind : std::uint8_t { unknown, regular, directory, link, fifo, socket, character, block };
std::string_view name_of(file_kind kind) noexcept;

struct file_status {
  /// Since 1970, by the clock of the file system.
  using time_point = std::chrono::sys_time<std::chrono::nanoseconds>;

  file_status() noexcept = default;
  explicit file_status(const struct statx& found) noexcept;

  file_kind kind = file_kind::unknown;
  mode_t permissions = 0; ///< the lower twelve bits: 0644
  std::uint64_t size_bytes = 0;
  std::uint64_t allocated_bytes = 0; ///< less than the size where there are holes
  std::uint64_t inode = 0;
  std::uint32_t links = 0;
  time_point modified;
};

} // namespace weir::fs
