#include <weir/io/system_calls.hpp>
#include <weir/sim/disk.hpp>
#include <weir/sim/host.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <support/scratch_directory.hpp>
#include <support/simulation.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <span>

namespace weir::test {
namespace {

sim::disk* simulated_disk() {
  simulated_host* const at = simulated_host::current();
  return at ? &at->on().storage() : nullptr;
}

sim::disk::handle opened_on(sim::disk& disk, const std::string& path, int flags) {
  sim::disk::handle opened;
  EXPECT_EQ(disk.open(nullptr, path, flags, 0666, opened), 0) << path;
  return opened;
}

void make_directories_on(sim::disk& disk, const std::filesystem::path& wanted) {
  std::filesystem::path so_far;
  for (const std::filesystem::path& each : wanted) {
    so_far /= each;
    (void)disk.make_directory(nullptr, so_far.string(), 0777); // which may be there already
  }
}

void write_on(sim::disk& disk, const std::string& path, std::string_view content) {
  const sim::disk::handle file = opened_on(disk, path, O_WRONLY | O_CREAT | O_TRUNC);
  const iovec piece{const_cast<char*>(content.data()), content.size()};
  EXPECT_EQ(disk.write_at(*file, 0, std::span(&piece, 1)), static_cast<std::int64_t>(content.size()));
}

std::string read_on(sim::disk& disk, const std::string& path) {
  const sim::disk::handle file = opened_on(disk, path, O_RDONLY);
  std::string text(static_cast<std::size_t>(status_of_path(path).st_size), '?');
  const iovec piece{text.data(), text.size()};
  EXPECT_EQ(disk.read_at(*file, 0, std::span(&piece, 1)), static_cast<std::int64_t>(text.size()));
  return text;
}

std::size_t names_on(sim::disk& disk, const std::string& path) {
  const sim::disk::handle directory = opened_on(disk, path, O_RDONLY | O_DIRECTORY);
  alignas(dirent64) std::array<std::byte, 4096> records;
  std::size_t names = 0;
  for (std::int64_t got = 0; (got = disk.list(*directory, records)) > 0;) {
    for (std::int64_t at = 0; at < got; ++names)
      at += reinterpret_cast<const dirent64*>(&records[static_cast<std::size_t>(at)])->d_reclen;
  }
  return names;
}

} // namespace

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

/// The simulated host comes to be after it, so that the directory is made there when somebody asks for it.
std::string scratch_directory::path() const {
  if (sim::disk* const disk = simulated_disk()) make_directories_on(*disk, path_);
  return path_.string();
}

std::string scratch_directory::path(std::string_view name) const {
  return path() + "/" + std::string(name);
}

std::string scratch_directory::write(std::string_view name, std::string_view content) const {
  const std::string to = path(name);
  if (sim::disk* const disk = simulated_disk())
    write_on(*disk, to, content);
  else
    std::ofstream(to, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
  return to;
}

std::string scratch_directory::link(const std::string& target, std::string_view name) const {
  const std::string to = path(name);
  sim::disk* const disk = simulated_disk();
  EXPECT_EQ(disk ? disk->make_symbolic_link(target, nullptr, to) : ::symlink(target.c_str(), to.c_str()), 0);
  return to;
}

std::string scratch_directory::fifo(std::string_view name) const {
  const std::string to = path(name);
  EXPECT_EQ(::mkfifo(to.c_str(), 0600), 0);
  return to;
}

std::string scratch_directory::read(std::string_view name) const {
  if (sim::disk* const disk = simulated_disk()) return read_on(*disk, path(name));
  std::ifstream in(path(name), std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::size_t scratch_directory::size() const {
  if (sim::disk* const disk = simulated_disk()) return names_on(*disk, path());
  const auto entries = std::filesystem::directory_iterator(path_);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

struct stat status_of_path(const std::string& path) {
  struct stat found{};
  (void)calls().lstat(path.c_str(), &found);
  return found;
}

} // namespace weir::test
