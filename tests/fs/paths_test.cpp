// Names are made, looked up, changed, removed and listed; a file is replaced at once.
#include "fs_test.hpp"

#include <weir/fs/atomic_replace.hpp>
#include <weir/fs/directory.hpp>
#include <weir/fs/paths.hpp>
#include <weir/fs/temporary_file.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

namespace weir::test {
namespace {

class paths_test : public fs_test {
 protected:
  paths_test() : fs_test(scratch_directory::memory()) {}
};

TEST_P(paths_test, are_made_looked_up_renamed_and_removed) {
  run([&]() -> task<> {
    const std::string home = scratch_.path("directory"), from = home + "/from", to = home + "/to";
    EXPECT_TRUE(co_await make_directory(home));
    EXPECT_FALSE((co_await exists(from)).value_or(true));
    scratch_.write("directory/from", "12345");
    EXPECT_TRUE((co_await exists(from)).value_or(false));
    EXPECT_FALSE((co_await exists(from + "/below a file")).value_or(true));
    EXPECT_TRUE(co_await fs::rename(from, to));
    scratch_.write("directory/from", "other");
    result<> refused = co_await fs::rename(from, to, when_there::refuse);
    EXPECT_TRUE(!refused && refused.error() == std::errc::file_exists);
    EXPECT_EQ(refused.error().endpoint(), from + " to " + to);
    result<file_status> found = co_await status_of(to);
    EXPECT_EQ(found->size_bytes, 5u);
    result<> not_empty = co_await remove_directory(home);
    EXPECT_TRUE(!not_empty && not_empty.error() == std::errc::directory_not_empty);
    EXPECT_TRUE(co_await remove_file(from));
    EXPECT_TRUE(co_await remove_file(to));
    EXPECT_TRUE(co_await sync_directory(home));
    EXPECT_TRUE(co_await remove_directory(home));
    EXPECT_EQ(scratch_.size(), 0u);
  });
}

TEST_P(paths_test, a_directory_that_was_removed_names_nothing) {
  run([&]() -> task<> {
    const std::string home = scratch_.path("directory");
    EXPECT_TRUE(co_await make_directory(home));
    result<directory> gone = co_await directory::open(home);
    EXPECT_TRUE(gone) << gone.error().message();
    EXPECT_TRUE(co_await remove_directory(home));
    result<std::vector<directory_entry>> names = co_await gone->next_batch();
    EXPECT_TRUE(names && names->empty());
  });
}

TEST_P(paths_test, links_are_followed_or_looked_at) {
  run([&]() -> task<> {
    const std::string link = scratch_.link(scratch_.write("file", "123"), "link");
    result<file_status> behind = co_await status_of(link);
    EXPECT_EQ(behind->kind, file_kind::regular);
    result<file_status> itself = co_await status_of(link, follow_links::no);
    EXPECT_EQ(itself->kind, file_kind::link);
  });
}

TEST_P(paths_test, of_a_directory_are_listed_each_once) {
  run([&]() -> task<> {
    std::set<std::string> expected, listed;
    for (int i = 0; i < 600; ++i) {
      const std::string name = std::string(200, 'a') + std::to_string(i); // they need several batches
      scratch_.write(name, "");
      expected.insert(name);
    }
    result<directory> here = co_await directory::open(scratch_.path());
    EXPECT_TRUE(here);
    int batches = 0;
    for (;; ++batches) {
      result<std::vector<directory_entry>> batch = co_await here->next_batch();
      EXPECT_TRUE(batch);
      if (!batch || batch->empty()) break;
      for (const directory_entry& each : *batch) EXPECT_TRUE(listed.insert(each.name).second) << each.name;
    }
    EXPECT_EQ(listed, expected);
    EXPECT_GT(batches, 2);
  });
}

TEST_P(paths_test, of_a_directory_come_one_after_the_other_with_their_kinds) {
  run([&]() -> task<> {
    scratch_.write("file", "");
    co_await make_directory(scratch_.path("directory"));
    result<directory> here = co_await directory::open(scratch_.path());
    std::vector<std::pair<std::string, file_kind>> found;
    auto entries = here->entries();
    for (;;) {
      std::optional<result<directory_entry>> next = co_await entries.next();
      if (!next) break;
      EXPECT_TRUE(*next);
      found.emplace_back((*next)->name, (*next)->kind);
    }
    std::ranges::sort(found);
    EXPECT_EQ(found, (std::vector<std::pair<std::string, file_kind>>{{"directory", file_kind::directory},
                                                                     {"file", file_kind::regular}}));
    result<directory> none = co_await directory::open(scratch_.path("file"));
    EXPECT_TRUE(!none && none.error() == std::errc::not_a_directory);
  });
}

TEST_P(paths_test, temporary_ones_go_unless_they_are_kept) {
  run([&]() -> task<> {
    {
      result<temporary_file> dropped = co_await temporary_file::create(scratch_.path());
      result<temporary_file> removed = co_await temporary_file::create(scratch_.path());
      EXPECT_EQ(scratch_.size(), 2u);
      EXPECT_EQ(permissions_of(dropped->path()), 0600u);
      EXPECT_TRUE(co_await removed->remove());
      EXPECT_EQ(scratch_.size(), 1u);
      temporary_file moved = std::move(*dropped);
    }
    EXPECT_EQ(scratch_.size(), 0u);
    {
      result<temporary_file> kept = co_await temporary_file::create(scratch_.path());
      EXPECT_TRUE(co_await kept->contents().write_all_at(0, bytes_of("kept")));
      EXPECT_TRUE(co_await kept->persist(scratch_.path("kept")));
    }
    EXPECT_EQ(scratch_.read("kept"), "kept");
    EXPECT_EQ(scratch_.size(), 1u);
    result<temporary_file> nowhere = co_await temporary_file::create(scratch_.path("nowhere"));
    EXPECT_TRUE(!nowhere && nowhere.error() == std::errc::no_such_file_or_directory);
  });
}

TEST_P(paths_test, a_file_is_replaced_whole_and_nothing_else_is_left) {
  run([&]() -> task<> {
    const std::string path = scratch_.write("file", "old");
    file old = co_await opened(path);
    EXPECT_TRUE(co_await atomic_replace(path, bytes_of(pattern(100'000)), 0640));
    EXPECT_EQ(scratch_.read("file"), pattern(100'000));
    EXPECT_EQ(permissions_of(path), 0640u);
    std::string was(3, '.');
    EXPECT_TRUE(co_await old.read_exactly_at(0, memory_of(was)));
    EXPECT_EQ(was, "old") << "who had it open keeps it";
    EXPECT_EQ(scratch_.size(), 1u);
  });
}

TEST_P(paths_test, a_replacement_that_fails_or_is_cancelled_leaves_the_old_and_nothing_else) {
  run([&]() -> task<> {
    co_await make_directory(scratch_.path("directory"));
    scratch_.write("directory/inside", "");
    result<> onto_directory = co_await atomic_replace(scratch_.path("directory"), bytes_of("new"));
    EXPECT_FALSE(onto_directory);
    EXPECT_EQ(scratch_.size(), 1u);

    const std::string path = scratch_.write("file", "old");
    for (int turns_before = 0; turns_before < 12; ++turns_before) {
      scratch_.write("file", "old");
      cancellation scope;
      result<> outcome;
      auto replace = [&]() -> task<> {
        outcome = co_await atomic_replace(path, bytes_of("new")).under(&scope);
      };
      auto cancel = [&]() -> task<> {
        co_await turns(turns_before);
        scope.request();
      };
      co_await when_all(replace(), cancel());
      const std::string now = scratch_.read("file");
      EXPECT_TRUE(now == "new" || (now == "old" && !outcome)) << now;
      EXPECT_EQ(scratch_.size(), 2u) << "after " << turns_before << " turns";
    }
  });
}

INSTANTIATE_TEST_SUITE_P(backends, paths_test, each_way_of_files(), name_of_backend);

} // namespace
} // namespace weir::test
