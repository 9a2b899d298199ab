// scratch_directory: an empty directory of its own that goes with what is in it.
#pragma once

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

  std::string path() const { return path_.string(); }
  std::string path(std::string_view name) const { return (path_ / name).string(); }
  /// Makes a file with that content; its path.
  std::string write(std::string_view name, std::string_view content) const;
  std::string read(std::string_view name) const;
  /// How many names there are in it.
  std::size_t size() const;

 private:
  std::filesystem::path path_;
};

} // namespace weir::test
