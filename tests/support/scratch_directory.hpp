// scratch_directory: an empty directory of its own that goes with what is in it. On a simulated host it is on
// the disk of that host.
#pragma once

#include <weir/io/platform/files.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace weir::test {

class scratch_directory {
 public:
  /// On a disk, most likely.
  scratch_directory();
  explicit scratch_directory(const std::filesystem::path& below);
  ~scratch_directory();
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;

  /// Where files cost no disk; for tests that make many.
  static std::filesystem::path memory();

  std::string path() const;
  std::string path(std::string_view name) const;
  /// Makes a file with that content; its path.
  std::string write(std::string_view name, std::string_view content) const;
  /// A symbolic link; its path.
  std::string link(const std::string& target, std::string_view name) const;
  /// A FIFO; its path, empty where the system has none.
  std::string fifo(std::string_view name) const;
  std::string read(std::string_view name) const;
  /// How many names there are in it.
  std::size_t size() const;

 private:
  std::filesystem::path path_;
};

/// What is there, links not followed; all zero: nothing.
struct stat status_of_path(const std::string& path);
inline bool has_path(const std::string& path) {
  return status_of_path(path).st_mode != 0;
}
inline bool is_socket(const std::string& path) {
  return S_ISSOCK(status_of_path(path).st_mode);
}
inline mode_t permissions_of(const std::string& path) {
  return status_of_path(path).st_mode & 07777;
}

} // namespace weir::test
