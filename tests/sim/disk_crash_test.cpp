// What a crash leaves: what was synced, and of the rest what a real file system might leave. Each promise is
// tried with many seeds, and that the seeds show all that the model allows is part of it.
#include "disk_rig.hpp"

#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <vector>

namespace weir::sim::test {
namespace {

constexpr std::uint64_t seeds = 300;

disk_options journalled() {
  disk_options options;
  options.names = name_order::journalled;
  return options;
}

/// How often each outcome came, over the seeds. `before` is what happens until the crash.
std::map<std::string, int> outcomes(const disk_options& options, const std::function<void(disk_rig&)>& before,
                                    const std::function<std::string(disk_rig&)>& after, bool tears = true) {
  std::map<std::string, int> found;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    disk_rig rig(seed, options);
    before(rig);
    rig.lose(tears);
    rig.on.crash();
    rig.faults.stop();
    ++found[after(rig)];
  }
  return found;
}

std::set<std::string> kinds_of(const std::map<std::string, int>& found) {
  std::set<std::string> kinds;
  for (const auto& [kind, count] : found) kinds.insert(kind);
  return kinds;
}

using kinds = std::set<std::string>;

std::string content_of(disk_rig& rig, std::string_view path) {
  return rig.exists(path) ? rig.read(path) : "none";
}

/// A letter for each sector: of what it consists, ? for a mixture.
std::string sectors_of(const std::string& bytes) {
  std::string letters;
  for (std::size_t at = 0; at < bytes.size(); at += 512) {
    const std::string sector = bytes.substr(at, 512);
    const char first = sector.front() == '\0' ? '0' : sector.front();
    letters += sector.find_first_not_of(sector.front()) == std::string::npos ? first : '?';
  }
  return letters;
}

std::string filled(char with, std::size_t sectors) {
  return std::string(512 * sectors, with);
}

TEST(disk_crash, without_faults_takes_nothing) {
  disk_rig rig;
  rig.write("file", "content");
  rig.on.crash();
  EXPECT_EQ(rig.read("file"), "content");
}

TEST(disk_crash, leaves_what_was_synced) {
  for (const disk_options& options : {disk_options(), journalled()}) {
    const auto found = outcomes(
        options,
        [](disk_rig& rig) {
          rig.make_directory("directory");
          rig.write("directory/file", "content");
          rig.sync("directory/file");
          rig.sync("directory");
          rig.sync("/");
          rig.write("directory/file", "CON"); // not synced
        },
        [](disk_rig& rig) { return rig.read("directory/file"); });
    EXPECT_EQ(kinds_of(found), (kinds{"content", "CONtent"}));
  }
}

TEST(disk_crash, of_a_write_leaves_any_of_its_sectors_and_each_is_whole) {
  std::set<std::string> mixtures;
  const auto after = [&](disk_rig& rig) {
    const std::string letters = sectors_of(rig.read("file"));
    EXPECT_EQ(letters.find_first_not_of("on"), std::string::npos) << letters;
    mixtures.insert(letters);
    return std::string();
  };
  const auto before = [](disk_rig& rig) {
    rig.make_durable("file", filled('o', 16));
    rig.write("file", filled('n', 16));
  };
  outcomes(disk_options(), before, after);
  EXPECT_GT(mixtures.size(), 50u);
  EXPECT_TRUE(mixtures.contains(std::string(16, 'o')));
  mixtures.clear();
  outcomes(disk_options(), before, after, false);
  EXPECT_EQ(mixtures, (kinds{"oooooooooooooooo", "nnnnnnnnoooooooo", "oooooooonnnnnnnn", "nnnnnnnnnnnnnnnn"}))
      << "pages, where no write is torn";
}

TEST(disk_crash, may_leave_a_version_in_between) {
  const auto found = outcomes(
      disk_options(),
      [](disk_rig& rig) {
        rig.make_durable("file", "0");
        for (const char* each : {"1", "2", "3", "4", "5", "6", "7", "8", "9"}) rig.write("file", each);
      },
      [](disk_rig& rig) { return rig.read("file"); });
  EXPECT_TRUE(found.contains("0") && found.contains("9"));
  EXPECT_GT(found.size(), 4u) << "a kernel also writes on its own";
}

TEST(disk_crash, of_a_file_that_grew_leaves_the_old_or_the_new_size) {
  const auto before = [](disk_rig& rig) {
    rig.make_durable("file", filled('o', 1));
    rig.write(rig.open("file"), 512, filled('n', 1));
  };
  const auto after = [](disk_rig& rig) { return sectors_of(rig.read("file")); };
  EXPECT_EQ(kinds_of(outcomes(disk_options(), before, after)), (kinds{"o", "on", "o0"}));
  EXPECT_EQ(kinds_of(outcomes(journalled(), before, after)), (kinds{"o", "on"})) << "data=ordered";
}

TEST(disk_crash, of_a_file_that_was_cut_leaves_nothing_new_behind_an_old_end) {
  const auto found = outcomes(
      disk_options(),
      [](disk_rig& rig) {
        rig.make_durable("file", filled('o', 2));
        const disk::handle file = rig.open("file", O_RDWR | O_TRUNC);
        rig.write(file, 0, filled('n', 1));
      },
      [](disk_rig& rig) { return sectors_of(rig.read("file")); });
  EXPECT_EQ(kinds_of(found), (kinds{"oo", "", "n", "0"}));
}

TEST(disk_crash, leaves_a_write_that_was_synchronous) {
  const auto found = outcomes(
      disk_options(),
      [](disk_rig& rig) {
        rig.make_durable("file", filled('o', 2));
        rig.write("file", filled('m', 1));
        rig.write(rig.open("file", O_RDWR | O_DSYNC), 512, filled('n', 2));
      },
      [](disk_rig& rig) { return sectors_of(rig.read("file")); });
  EXPECT_EQ(kinds_of(found), (kinds{"onn", "mnn"}));
}

TEST(disk_crash, leaves_a_rename_made_or_not_made) {
  const auto before = [](disk_rig& rig) {
    rig.make_durable("file", "old");
    rig.make_durable("draft", "new");
    rig.rename("draft", "file");
  };
  const auto after = [](disk_rig& rig) { return content_of(rig, "file") + content_of(rig, "draft"); };
  EXPECT_EQ(kinds_of(outcomes(disk_options(), before, after)), (kinds{"oldnew", "newnone"}));
  const auto and_sync = [&](disk_rig& rig) {
    before(rig);
    rig.sync("/");
  };
  EXPECT_EQ(kinds_of(outcomes(disk_options(), and_sync, after)), (kinds{"newnone"}));
}

TEST(disk_crash, of_a_replacement_that_was_not_synced_may_leave_an_empty_file) {
  const auto found = outcomes(
      disk_options(),
      [](disk_rig& rig) {
        rig.make_durable("file", "old");
        rig.write("draft", "new");
        rig.rename("draft", "file");
        rig.sync("/");
      },
      [](disk_rig& rig) { return rig.read("file"); });
  EXPECT_TRUE(found.contains("")) << "the mistake that programs make";
}

TEST(disk_crash, leaves_changes_of_names_in_their_order_or_in_any) {
  const auto before = [](disk_rig& rig) {
    rig.write("a", "");
    rig.write("b", "");
  };
  const auto after = [](disk_rig& rig) {
    return std::string(rig.exists("a") ? "a" : "") + (rig.exists("b") ? "b" : "");
  };
  EXPECT_EQ(kinds_of(outcomes(disk_options(), before, after)), (kinds{"", "a", "b", "ab"}));
  EXPECT_EQ(kinds_of(outcomes(journalled(), before, after)), (kinds{"", "a", "ab"}));
}

TEST(disk_crash, leaves_the_name_of_a_synced_file_only_where_the_journal_has_it) {
  const auto before = [](disk_rig& rig) {
    rig.write("file", "content");
    rig.sync("file");
  };
  const auto after = [](disk_rig& rig) { return content_of(rig, "file"); };
  EXPECT_EQ(kinds_of(outcomes(disk_options(), before, after)), (kinds{"none", "content"}));
  EXPECT_EQ(kinds_of(outcomes(journalled(), before, after)), (kinds{"content"}));
}

TEST(disk_crash, never_loses_a_file_that_was_only_moved) {
  for (const disk_options& options : {disk_options(), journalled()}) {
    const auto found = outcomes(
        options,
        [](disk_rig& rig) {
          rig.make_directory("here");
          rig.make_durable("here/file", "content");
          rig.sync("here");
          rig.make_directory("there");
          rig.rename("here/file", "there/file");
          rig.unlink("here", AT_REMOVEDIR);
          rig.rename("there", "elsewhere");
          rig.make_directory("here");
          rig.rename("elsewhere/file", "here/again");
          rig.rename("elsewhere", "here/below");
        },
        [](disk_rig& rig) {
          std::string places;
          for (const char* each :
               {"here/file", "there/file", "elsewhere/file", "here/again", "here/below/file"})
            if (rig.exists(each)) places += std::string(each) + " " + rig.read(each) + ";";
          return places;
        });
    EXPECT_EQ(kinds_of(found), (kinds{"here/file content;", "there/file content;", "elsewhere/file content;",
                                      "here/again content;"}));
  }
}

TEST(disk_crash, after_a_sync_that_failed_leaves_less_than_the_next_sync_tells) {
  const auto found = outcomes(
      disk_options(),
      [](disk_rig& rig) {
        rig.make_durable("file", filled('o', 4));
        const disk::handle file = rig.open("file");
        rig.write(file, 0, filled('n', 4));
        rig.faults.set(fault::disk_error, 1'000'000);
        EXPECT_EQ(rig.sync(file), -EIO);
        rig.faults.set(fault::disk_error, 0);
        EXPECT_EQ(rig.sync(file), 0);
        EXPECT_EQ(sectors_of(rig.read(file)), "nnnn") << "programs still see what they wrote";
      },
      [](disk_rig& rig) { return sectors_of(rig.read("file")); });
  EXPECT_EQ(found.size(), 16u) << "any of the four";
}

TEST(disk_crash, ends_what_was_open) {
  disk_rig rig;
  rig.make_durable("file", "content");
  const disk::handle file = rig.open("file"), root = rig.open("/", O_RDONLY);
  rig.on.crash();
  EXPECT_EQ(rig.read(file), "error");
  EXPECT_EQ(rig.write(file, 0, "x"), -EIO);
  EXPECT_EQ(rig.sync(file), -EIO);
  disk::handle below;
  EXPECT_EQ(rig.on.open(root.get(), "file", O_RDONLY, 0, below), -EIO);
  EXPECT_EQ(rig.read("file"), "content");
}

TEST(disk_crash, gives_back_the_room_of_what_is_gone) {
  disk_rig rig;
  const std::uint64_t free_before = rig.on.free_bytes();
  rig.make_durable("file", filled('o', 3));
  rig.write("lost", filled('n', 100));
  rig.faults.set(fault::lost_write, 1'000'000);
  for (int i = 0; i < 100 && rig.exists("lost"); ++i) {
    rig.write("lost", filled('n', 100));
    rig.on.crash();
    if (rig.exists("lost")) rig.unlink("lost");
  }
  EXPECT_EQ(rig.on.free_bytes(), free_before - 3 * 512);
}

TEST(disk_crash, is_decided_by_the_seed) {
  const auto run = [](std::uint64_t seed) {
    disk_rig rig(seed);
    rig.lose();
    std::ostringstream all;
    for (int round = 0; round < 20; ++round) {
      rig.write("file", filled(static_cast<char>('a' + round), 20));
      rig.write("name" + std::to_string(round), "x");
      if (round % 3 == 0) rig.on.crash();
      all << content_of(rig, "file") << rig.exists("name" + std::to_string(round / 2));
    }
    all << rig.on.losses().sectors << ' ' << rig.on.losses().pages_torn << ' ' << rig.on.losses().name_changes
        << ' ' << rig.log.hash();
    return all.str();
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

} // namespace
} // namespace weir::sim::test
