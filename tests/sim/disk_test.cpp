// Files and names of a simulated disk as long as it has power: they answer like Linux.
#include "disk_rig.hpp"

#include <dirent.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <set>

namespace weir::sim::test {
namespace {

TEST(disk_files, are_opened_as_they_are_asked_to_be) {
  disk_rig rig;
  EXPECT_EQ(rig.open_error("file", O_RDONLY), -ENOENT);
  EXPECT_EQ(rig.write("file", "content"), 7);
  EXPECT_EQ(rig.open_error("file", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
  EXPECT_EQ(rig.open_error("file/below", O_RDWR | O_CREAT), -ENOTDIR);
  EXPECT_EQ(rig.open_error("file/", O_RDONLY), -ENOTDIR);
  EXPECT_EQ(rig.open_error("file", O_RDONLY | O_DIRECTORY), -ENOTDIR);
  EXPECT_EQ(rig.open_error("nowhere/file", O_RDWR | O_CREAT), -ENOENT);
  EXPECT_EQ(rig.open_error("new/", O_RDWR | O_CREAT), -EISDIR);
  EXPECT_EQ(rig.open_error("/", O_RDWR), -EISDIR);
  EXPECT_EQ(rig.open_error("", O_RDONLY), -ENOENT);
  EXPECT_EQ(rig.open_error(std::string(256, 'a'), O_RDWR | O_CREAT), -ENAMETOOLONG);
  EXPECT_EQ(rig.open_error(std::string(5000, '/'), O_RDONLY), -ENAMETOOLONG);
  EXPECT_EQ(rig.open_error(".", O_WRONLY | O_TMPFILE), -EOPNOTSUPP);
  EXPECT_EQ(rig.read("file"), "content");
  EXPECT_EQ(rig.read(rig.open("file", O_RDWR | O_TRUNC)), "");
  EXPECT_EQ(rig.status("file").stx_mode, S_IFREG | 0644) << "less the umask";
}

TEST(disk_files, are_written_and_read_at_offsets_with_holes_in_between) {
  disk_rig rig;
  const disk::handle file = rig.open("file");
  EXPECT_EQ(rig.write(file, 5'000, "hello"), 5);
  EXPECT_EQ(rig.read(file, 4'998), std::string("\0\0hello", 7));
  EXPECT_EQ(rig.read(file, 5'005), "");
  EXPECT_EQ(rig.read(file, 5'000'000), "");
  EXPECT_EQ(rig.status("file").stx_size, 5'005u);
  EXPECT_EQ(rig.status("file").stx_blocks, 1u) << "a hole takes no room";
  std::string one = "one", two = "two";
  const std::array<iovec, 2> from{{{one.data(), 3}, {two.data(), 3}}};
  EXPECT_EQ(rig.on.write_at(*file, 510, from), 6);
  const std::array<iovec, 2> into{{{two.data(), 3}, {one.data(), 2}}};
  EXPECT_EQ(rig.on.read_at(*file, 510, into), 5);
  EXPECT_EQ(two + one, "onetwe");
}

TEST(disk_files, refuse_what_they_were_not_opened_for) {
  disk_rig rig;
  rig.write("file", "content");
  const disk::handle reader = rig.open("file", O_RDONLY), writer = rig.open("file", O_WRONLY);
  EXPECT_EQ(rig.write(reader, 0, "x"), -EBADF);
  EXPECT_EQ(rig.on.truncate(*reader, 0), -EINVAL);
  EXPECT_EQ(rig.on.allocate(*reader, 0, 0, 1), -EBADF);
  EXPECT_EQ(rig.read(writer), "error");
  EXPECT_EQ(rig.write(writer, std::uint64_t{1} << 63, "x"), -EINVAL);
  EXPECT_EQ(rig.write(writer, std::uint64_t{1} << 50, "x"), -EFBIG);
  EXPECT_EQ(rig.on.read_at(*rig.open("/", O_RDONLY), 0, {}), -EISDIR);
}

TEST(disk_files, are_appended_to_wherever_they_are_written) {
  disk_rig rig;
  rig.write("file", "content");
  EXPECT_EQ(rig.write(rig.open("file", O_WRONLY | O_APPEND), 0, "more"), 4);
  EXPECT_EQ(rig.read("file"), "contentmore");
}

TEST(disk_files, past_the_cache_want_sectors) {
  disk_rig rig;
  const disk::handle file = rig.open("file", O_RDWR | O_CREAT | O_DIRECT);
  alignas(512) std::array<char, 1024> memory{};
  EXPECT_EQ(rig.write(file, 0, {memory.data(), 512}), 512);
  EXPECT_EQ(rig.write(file, 1, {memory.data(), 512}), -EINVAL);
  EXPECT_EQ(rig.write(file, 0, {memory.data(), 511}), -EINVAL);
  EXPECT_EQ(rig.write(file, 0, {memory.data() + 1, 512}), -EINVAL);
  EXPECT_EQ(rig.status("file").stx_dio_offset_align, 512u);
}

TEST(disk_files, are_cut_extended_given_room_and_punched) {
  disk_rig rig;
  const disk::handle file = rig.open("file");
  rig.write(file, 0, std::string(2'000, 'x'));
  EXPECT_EQ(rig.on.truncate(*file, 700), 0);
  EXPECT_EQ(rig.on.truncate(*file, 800), 0);
  EXPECT_EQ(rig.read(file), std::string(700, 'x') + std::string(100, '\0')) << "what was cut off is gone";
  EXPECT_EQ(rig.on.allocate(*file, FALLOC_FL_KEEP_SIZE, 0, 4'096), 0);
  EXPECT_EQ(rig.status("file").stx_size, 800u);
  EXPECT_EQ(rig.status("file").stx_blocks, 8u);
  EXPECT_EQ(rig.on.allocate(*file, 0, 0, 5'000), 0);
  EXPECT_EQ(rig.status("file").stx_size, 5'000u);
  EXPECT_EQ(rig.on.allocate(*file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 600), 0);
  EXPECT_EQ(rig.read(file, 0, 700), std::string(100, 'x') + std::string(600, '\0'));
  EXPECT_EQ(rig.on.allocate(*file, FALLOC_FL_COLLAPSE_RANGE, 0, 512), -EOPNOTSUPP);
  EXPECT_EQ(rig.on.allocate(*file, 0, 0, 0), -EINVAL);
}

TEST(disk_names, are_made_and_removed) {
  disk_rig rig;
  EXPECT_EQ(rig.make_directory("one"), 0);
  EXPECT_EQ(rig.make_directory("one"), -EEXIST);
  EXPECT_EQ(rig.make_directory("none/two"), -ENOENT);
  EXPECT_EQ(rig.make_directory("one/two/"), 0);
  rig.write("one/two/../file", "x");
  EXPECT_EQ(rig.read("/one/./file"), "x");
  EXPECT_EQ(rig.unlink("one/file", AT_REMOVEDIR), -ENOTDIR);
  EXPECT_EQ(rig.unlink("one/two"), -EISDIR);
  EXPECT_EQ(rig.unlink("one", AT_REMOVEDIR), -ENOTEMPTY);
  EXPECT_EQ(rig.unlink("one/.", AT_REMOVEDIR), -EINVAL);
  EXPECT_EQ(rig.unlink("one/..", AT_REMOVEDIR), -ENOTEMPTY);
  EXPECT_EQ(rig.unlink("/", AT_REMOVEDIR), -EBUSY);
  EXPECT_EQ(rig.unlink("one/nothing"), -ENOENT);
  EXPECT_EQ(rig.unlink("one/file"), 0);
  EXPECT_EQ(rig.unlink("one/two", AT_REMOVEDIR), 0);
  EXPECT_EQ(rig.unlink("one", AT_REMOVEDIR), 0);
  EXPECT_FALSE(rig.exists("one"));
}

TEST(disk_names, go_before_what_is_open) {
  disk_rig rig;
  rig.write("file", "content");
  const std::uint64_t free_before = rig.on.free_bytes();
  disk::handle file = rig.open("file", O_RDONLY);
  EXPECT_EQ(rig.unlink("file"), 0);
  EXPECT_EQ(rig.read(file), "content");
  EXPECT_EQ(rig.on.free_bytes(), free_before);
  file.reset();
  EXPECT_EQ(rig.on.free_bytes(), free_before + 512);
  EXPECT_EQ(rig.make_directory("directory"), 0);
  const disk::handle directory = rig.open("directory", O_RDONLY);
  EXPECT_EQ(rig.unlink("directory", AT_REMOVEDIR), 0);
  disk::handle made;
  EXPECT_EQ(rig.on.open(directory.get(), "file", O_RDWR | O_CREAT, 0600, made), -ENOENT);
}

TEST(disk_names, are_changed_as_rename_does) {
  disk_rig rig;
  rig.make_directory("full");
  rig.write("full/inside", "inside");
  rig.make_directory("empty");
  rig.write("one", "one");
  rig.write("two", "two");
  EXPECT_EQ(rig.rename("nothing", "one"), -ENOENT);
  EXPECT_EQ(rig.rename("one", "two", RENAME_NOREPLACE), -EEXIST);
  EXPECT_EQ(rig.rename("one", "empty"), -EISDIR);
  EXPECT_EQ(rig.rename("full", "one"), -ENOTDIR);
  EXPECT_EQ(rig.rename("one", "new/"), -ENOTDIR);
  EXPECT_EQ(rig.rename("empty", "full"), -ENOTEMPTY);
  EXPECT_EQ(rig.rename("full", "full/below"), -EINVAL);
  EXPECT_EQ(rig.rename("full/inside", "full"), -ENOTEMPTY);
  EXPECT_EQ(rig.rename("one", "nothing", RENAME_EXCHANGE), -ENOENT);
  EXPECT_EQ(rig.rename("one", "two", RENAME_EXCHANGE | RENAME_NOREPLACE), -EINVAL);
  EXPECT_EQ(rig.rename("one", "."), -EBUSY);
  EXPECT_EQ(rig.rename("one", "one"), 0);
  EXPECT_EQ(rig.rename("one", "two", RENAME_EXCHANGE), 0);
  EXPECT_EQ(rig.read("one"), "two");
  EXPECT_EQ(rig.rename("one", "two"), 0);
  EXPECT_EQ(rig.read("two"), "two");
  EXPECT_FALSE(rig.exists("one"));
  EXPECT_EQ(rig.rename("full", "empty"), 0) << "an empty directory gives way to a directory";
  EXPECT_EQ(rig.read("empty/inside"), "inside");
  EXPECT_EQ(rig.rename("two", "empty/two"), 0);
  EXPECT_EQ(rig.read("empty/../empty/two"), "two");
}

TEST(disk_names, that_are_links_are_followed) {
  disk_rig rig;
  rig.make_directory("directory");
  rig.write("directory/file", "content");
  EXPECT_EQ(rig.link("directory", "way"), 0);
  EXPECT_EQ(rig.link("file", "directory/same"), 0);
  EXPECT_EQ(rig.link("/directory/new", "to_new"), 0);
  EXPECT_EQ(rig.read("way/same"), "content");
  EXPECT_EQ(rig.write("to_new", "new"), 3);
  EXPECT_EQ(rig.read("directory/new"), "new");
  EXPECT_EQ(rig.open_error("way", O_RDONLY | O_NOFOLLOW), -ELOOP);
  EXPECT_EQ(rig.open_error("to_new", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
  EXPECT_EQ(rig.status("way", AT_SYMLINK_NOFOLLOW).stx_mode, S_IFLNK | 0777);
  EXPECT_EQ(rig.status("way").stx_mode, S_IFDIR | 0755);
  EXPECT_EQ(rig.link("around", "around"), 0);
  EXPECT_EQ(rig.open_error("around", O_RDONLY), -ELOOP);
  EXPECT_EQ(rig.unlink("way"), 0) << "the link, not what it leads to";
  EXPECT_TRUE(rig.exists("directory"));
}

std::vector<std::pair<std::string, unsigned>> batch_of(disk_rig& rig, const disk::handle& directory,
                                                       std::size_t bytes) {
  std::vector<std::byte> memory(bytes);
  std::vector<std::pair<std::string, unsigned>> found;
  const std::int64_t got = rig.on.list(*directory, memory);
  EXPECT_GE(got, 0);
  for (std::int64_t at = 0; at < got;) {
    const auto* record = reinterpret_cast<const dirent64*>(memory.data() + at);
    found.emplace_back(record->d_name, record->d_type);
    at += record->d_reclen;
  }
  return found;
}

TEST(disk_names, are_listed_each_once_in_no_order) {
  disk_rig rig;
  std::set<std::string> expected, listed;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "name" + std::to_string(i);
    if (i == 50)
      rig.make_directory(name);
    else
      rig.write(name, "");
    expected.insert(name);
  }
  const disk::handle root = rig.open("/", O_RDONLY | O_DIRECTORY);
  std::vector<std::string> order;
  for (;;) {
    const auto batch = batch_of(rig, root, 1'000);
    if (batch.empty()) break;
    for (const auto& [name, type] : batch) {
      EXPECT_TRUE(listed.insert(name).second) << name;
      EXPECT_EQ(type, name == "name50" ? unsigned{DT_DIR} : unsigned{DT_REG});
      order.push_back(name);
    }
  }
  EXPECT_EQ(listed, expected);
  EXPECT_FALSE(std::ranges::is_sorted(order));
  std::array<std::byte, 8> little{};
  EXPECT_EQ(rig.on.list(*rig.open("/", O_RDONLY), little), -EINVAL);
  EXPECT_EQ(rig.on.list(*rig.open("name1", O_RDONLY), little), -ENOTDIR);
}

TEST(disk_room, that_ends_cuts_a_write_short_and_then_fails_it) {
  disk_options small;
  small.capacity_bytes = 10'240;
  disk_rig rig(1, small);
  const disk::handle file = rig.open("file");
  EXPECT_EQ(rig.write(file, 100, std::string(9'000, 'x')), 9'000);
  EXPECT_EQ(rig.write(file, 9'100, std::string(9'000, 'x')), 1'140) << "up to the last sector";
  EXPECT_EQ(rig.write(file, 10'240, "x"), -ENOSPC);
  EXPECT_EQ(rig.write(file, 0, "y"), 1) << "what is there is written over";
  EXPECT_EQ(rig.on.allocate(*file, 0, 10'240, 1), -ENOSPC);
  EXPECT_EQ(rig.open_error("other", O_RDWR | O_CREAT), -ENOSPC);
  EXPECT_EQ(rig.on.truncate(*file, 512), 0);
  EXPECT_EQ(rig.on.free_bytes(), 10'240u - 512u);
}

TEST(disk_faults, happen_where_the_plan_says_so) {
  disk_rig rig;
  const disk::handle file = rig.open("file");
  rig.write(file, 0, std::string(1'000, 'x'));
  rig.faults.set(fault::short_read, 1'000'000);
  const std::string cut = rig.read(file, 0, 500);
  EXPECT_TRUE(!cut.empty() && cut.size() < 500u);
  rig.faults.set(fault::no_space, 1'000'000);
  EXPECT_LE(rig.write(file, 0, "xyz"), 3);
  EXPECT_EQ(rig.make_directory("directory"), -ENOSPC);
  EXPECT_EQ(rig.on.allocate(*file, 0, 0, 1), -ENOSPC);
  rig.faults.set(fault::disk_error, 1'000'000);
  EXPECT_EQ(rig.write(file, 0, "x"), -EIO);
  EXPECT_EQ(rig.read(file), "error");
  EXPECT_EQ(rig.sync(file), -EIO);
  EXPECT_EQ(rig.rename("file", "other"), -EIO);
  EXPECT_EQ(rig.unlink("file"), -EIO);
  rig.faults.stop();
  EXPECT_EQ(rig.read(file).size(), 1'000u);
}

} // namespace
} // namespace weir::sim::test
