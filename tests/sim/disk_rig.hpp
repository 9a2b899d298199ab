// A simulated disk in a test, and short words for what is done to it.
#pragma once

#include <weir/sim/disk.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

namespace weir::sim::test {

class disk_rig {
 public:
  explicit disk_rig(std::uint64_t seed = 1, disk_options options = disk_options())
      : faults(random_source(seed), log), on(random_source(seed).fork("disk"), faults, options) {
    faults.limit_to(fault_set());
  }

  /// From now on a crash takes what it may.
  void lose(bool tears = true) {
    faults.set(fault::lost_write, 1'000'000);
    faults.set(fault::torn_write, tears ? 1'000'000 : 0);
  }

  disk::handle open(std::string_view path, int flags = O_RDWR | O_CREAT) {
    disk::handle opened;
    EXPECT_EQ(on.open(nullptr, path, flags, 0666, opened), 0) << path;
    return opened;
  }
  int open_error(std::string_view path, int flags) {
    disk::handle opened;
    return on.open(nullptr, path, flags, 0666, opened);
  }
  std::int64_t write(const disk::handle& file, std::uint64_t offset, std::string_view text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return on.write_at(*file, offset, std::span(&piece, 1));
  }
  std::int64_t write(std::string_view path, std::string_view text) { return write(open(path), 0, text); }
  std::string read(const disk::handle& file, std::uint64_t offset = 0, std::size_t most = 100'000) {
    std::string text(most, '?');
    const iovec piece{text.data(), text.size()};
    const std::int64_t got = on.read_at(*file, offset, std::span(&piece, 1));
    return got < 0 ? "error" : text.substr(0, static_cast<std::size_t>(got));
  }
  std::string read(std::string_view path) { return read(open(path, O_RDONLY)); }
  bool exists(std::string_view path) { return status(path).stx_mask != 0; }
  struct statx status(std::string_view path, int flags = 0) {
    struct statx found{};
    on.status(nullptr, std::string(path).c_str(), flags, found);
    return found;
  }
  int sync(const disk::handle& file) { return on.sync(*file, false); }
  void sync(std::string_view path) { EXPECT_EQ(sync(open(path, O_RDONLY)), 0); }
  int make_directory(std::string_view path) { return on.make_directory(nullptr, path, 0777); }
  int rename(std::string_view from, std::string_view to, unsigned flags = 0) {
    return on.rename(nullptr, from, nullptr, to, flags);
  }
  int unlink(std::string_view path, int flags = 0) { return on.unlink(nullptr, path, flags); }
  int link(std::string_view target, std::string_view path) {
    return on.make_symbolic_link(target, nullptr, path);
  }
  /// A file whose bytes and name are durable.
  void make_durable(std::string_view path, std::string_view text) {
    EXPECT_EQ(write(path, text), static_cast<std::int64_t>(text.size()));
    sync(path);
    sync("/");
  }

  trace log;
  fault_plan faults;
  disk on;
};

} // namespace weir::sim::test
