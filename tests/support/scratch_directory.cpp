#include <gtest/gtest.h>
#include <support/scratch_directory.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace weir::test {

scratch_directory::scratch_directory() : scratch_directory(std::filesystem::temp_directory_path()) {}

scratch_directory::scratch_directory(const std::filesystem::path& below) {
  std::string name = below / "weir-test-XXXXXX";
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  path_ = name;
}

std::filesystem::path scratch_directory::memory() {
  const std::filesystem::path shared = "/dev/shm";
  return std::filesystem::is_directory(shared) ? shared : std::filesystem::temp_directory_path();
}

scratch_directory::~scratch_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string scratch_directory::write(std::string_view name, std::string_view content) const {
  std::ofstream(path(name), std::ios::binary)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
  return path(name);
}

std::string scratch_directory::read(std::string_view name) const {
  std::ifstream in(path(name), std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::size_t scratch_directory::size() const {
  const auto entries = std::filesystem::directory_iterator(path_);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

} // namespace weir::test
