#include <support/scratch_directory.hpp>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace weir::test {

namespace fs = std::filesystem;

scratch_directory::scratch_directory() : scratch_directory(fs::temp_directory_path()) {}

scratch_directory::scratch_directory(const fs::path& below) {
  static int made = 0;
  path_ = below / ("weir-" + std::to_string(::getpid()) + "-" + std::to_string(made++));
  fs::create_directories(path_);
}

scratch_directory::~scratch_directory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path scratch_directory::memory() {
  return fs::temp_directory_path();
}

std::string scratch_directory::path() const {
  return path_.string();
}

std::string scratch_directory::path(std::string_view name) const {
  return (path_ / name).string();
}

std::string scratch_directory::write(std::string_view name, std::string_view content) const {
  std::ofstream(path(name), std::ios::binary) << content;
  return path(name);
}

std::string scratch_directory::fifo(std::string_view) const {
  return {};
}

std::size_t scratch_directory::size() const {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
}

std::string scratch_directory::read(std::string_view name) const {
  std::ifstream file(path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct stat status_of_path(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return {};
  return found;
}

} // namespace weir::test
