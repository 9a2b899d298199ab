#include <weir/fs/file_status.hpp>

#include <array>

namespace weir::fs {
namespace {

file_kind kind_of_mode(unsigned mode) noexcept {
  switch (mode & S_IFMT) {
  case S_IFREG:
    return file_kind::regular;
  case S_IFDIR:
    return file_kind::directory;
  case S_IFLNK:
    return file_kind::link;
  case S_IFIFO:
    return file_kind::fifo;
  case S_IFSOCK:
    return file_kind::socket;
  case S_IFCHR:
    return file_kind::character;
  case S_IFBLK:
    return file_kind::block;
  default:
    return file_kind::unknown;
  }
}

} // namespace

std::string_view name_of(file_kind kind) noexcept {
  static constexpr std::array<std::string_view, 8> names = {"unknown", "regular", "directory", "link",
                                                            "fifo",    "socket",  "character", "block"};
  return names[static_cast<std::size_t>(kind)];
}

file_status::file_status(const struct statx& found) noexcept
    : kind(kind_of_mode(found.stx_mode)), permissions(found.stx_mode & 07777u), size_bytes(found.stx_size),
      allocated_bytes(found.stx_blocks * 512), // whatever the block size of the file system (stat(2))
      inode(found.stx_ino), links(found.stx_nlink),
      modified(std::chrono::seconds(found.stx_mtime.tv_sec) +
               std::chrono::nanoseconds(found.stx_mtime.tv_nsec)) {}

} // namespace weir::fs
