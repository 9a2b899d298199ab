// Changes of files, in their order, and what is told when too many come.
#include <weir/os/file_watch.hpp>

#include <support/coroutine_fixture.hpp>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace weir::test {
namespace {

namespace fs = std::filesystem;
using kind = file_change_kind;

class file_watch_test : public backend_test {
 protected:
  void SetUp() override {
    backend_test::SetUp();
    fs::remove_all(directory_);
    fs::create_directory(directory_);
  }
  void TearDown() override {
    backend_test::TearDown();
    fs::remove_all(directory_);
  }

  static file_watch opened() {
    result<file_watch> made = file_watch::open();
    EXPECT_TRUE(made) << made.error().message();
    return std::move(*made);
  }
  const fs::path& directory() const { return directory_; }
  void write(const std::string& name) const { std::ofstream(directory_ / name) << "content"; }
  static int add(file_watch& changes, const fs::path& path) {
    result<int> added = changes.add(path);
    EXPECT_TRUE(added) << added.error().message();
    return added.value_or(-1);
  }
  static task<file_change> next_of(file_watch& changes) {
    result<file_change> change = co_await changes.next();
    EXPECT_TRUE(change) << change.error().message();
    co_return std::move(*change);
  }
  /// The next change is of this kind and entry.
  static task<> expect(file_watch& changes, kind wanted, std::string name) {
    const file_change change = co_await next_of(changes);
    EXPECT_EQ(change.kind, wanted);
    EXPECT_EQ(change.name, name);
  }

 private:
  fs::path directory_ = testing::TempDir() + "weir_file_watch_" + std::to_string(::getpid());
};

TEST_P(file_watch_test, tells_what_happens_to_the_entries_of_a_directory) {
  if (!file_watch::tells_each_change()) GTEST_SKIP() << "the system tells what differs, not each change";
  run([&]() -> task<> {
    file_watch changes = opened();
    const int watched = add(changes, directory());
    write("a");
    fs::permissions(directory() / "a", fs::perms::owner_read);
    fs::remove(directory() / "a");
    const file_change first = co_await next_of(changes);
    EXPECT_EQ(first.kind, kind::created);
    EXPECT_EQ(first.name, "a");
    EXPECT_EQ(first.watch, watched);
    co_await expect(changes, kind::modified, "a");
    co_await expect(changes, kind::written, "a");
    co_await expect(changes, kind::attributes, "a");
    co_await expect(changes, kind::removed, "a");
  });
}

TEST_P(file_watch_test, tells_what_comes_and_goes) {
  run([&]() -> task<> {
    file_watch changes = opened();
    add(changes, directory());
    fs::create_directory(directory() / "a");
    co_await expect(changes, kind::created, "a");
    fs::rename(directory() / "a", directory() / "b");
    co_await expect(changes, kind::moved_from, "a");
    co_await expect(changes, kind::moved_to, "b");
    fs::remove(directory() / "b");
    co_await expect(changes, kind::removed, "b");
  });
}

TEST_P(file_watch_test, tells_what_happens_to_a_file) {
  run([&]() -> task<> {
    write("a");
    file_watch changes = opened();
    const int watched = add(changes, directory() / "a");
    EXPECT_EQ(add(changes, directory() / "a"), watched);
    EXPECT_EQ(::truncate((directory() / "a").c_str(), 1), 0);
    co_await expect(changes, kind::modified, "");
    EXPECT_EQ(::truncate((directory() / "a").c_str(), 100), 0);
    co_await expect(changes, kind::modified, "");
    fs::permissions(directory() / "a", fs::perms::owner_read);
    co_await expect(changes, kind::attributes, "");
  });
}

TEST_P(file_watch_test, joins_the_halves_of_a_rename) {
  run([&]() -> task<> {
    write("old");
    file_watch changes = opened();
    add(changes, directory());
    fs::rename(directory() / "old", directory() / "new");
    const file_change from = co_await next_of(changes);
    const file_change to = co_await next_of(changes);
    EXPECT_EQ(from.kind, kind::moved_from);
    EXPECT_EQ(from.name, "old");
    EXPECT_EQ(to.kind, kind::moved_to);
    EXPECT_EQ(to.name, "new");
    EXPECT_EQ(from.cookie, to.cookie);
    EXPECT_NE(from.cookie, 0u);
  });
}

TEST_P(file_watch_test, ends_with_the_file) {
  run([&]() -> task<> {
    write("a");
    file_watch changes = opened();
    const int watched = add(changes, directory() / "a");
    fs::remove(directory() / "a");
    co_await expect(changes, kind::attributes, ""); // one link less
    const file_change last = co_await next_of(changes);
    EXPECT_EQ(last.kind, kind::ended);
    EXPECT_EQ(last.watch, watched);
  });
}

TEST_P(file_watch_test, ends_when_it_is_removed) {
  run([&]() -> task<> {
    file_watch changes = opened();
    const int watched = add(changes, directory());
    EXPECT_TRUE(changes.remove(watched));
    co_await expect(changes, kind::ended, "");
    EXPECT_FALSE(changes.remove(watched));
  });
}

TEST_P(file_watch_test, wakes_who_waits_and_loses_nothing_when_cancelled) {
  run([&]() -> task<> {
    file_watch changes = opened();
    add(changes, directory());
    result<file_change> late = co_await with_deadline(1ms, changes.next());
    EXPECT_TRUE(!late && late.error().is_timeout());
    auto create = [&]() -> task<> {
      co_await turns(3);
      fs::create_directory(directory() / "below");
    };
    co_await when_all(expect(changes, kind::created, "below"), create());
  });
}

TEST_P(file_watch_test, ends_also_for_who_waits) {
  run([&]() -> task<> {
    file_watch changes = opened();
    const int watched = add(changes, directory());
    auto remove = [&]() -> task<> {
      co_await turns(3);
      EXPECT_TRUE(changes.remove(watched));
    };
    co_await when_all(expect(changes, kind::ended, ""), remove());
  });
}

TEST_P(file_watch_test, of_two_that_wait_each_gets_one_of_two) {
  run([&]() -> task<> {
    file_watch changes = opened();
    add(changes, directory());
    auto create = [&]() -> task<> {
      co_await turns(3);
      fs::create_directory(directory() / "a");
      fs::create_directory(directory() / "b");
    };
    auto [one, other, done] = co_await when_all(next_of(changes), next_of(changes), create());
    EXPECT_EQ(std::min(one.name, other.name), "a");
    EXPECT_EQ(std::max(one.name, other.name), "b");
  });
}

TEST_P(file_watch_test, of_two_that_wait_none_loses_what_the_other_has_read) {
  if (!file_watch::tells_each_change()) GTEST_SKIP() << "the system tells what differs, not each change";
  run([&]() -> task<> {
    file_watch changes = opened();
    add(changes, directory());
    auto write_later = [&]() -> task<> {
      co_await turns(3);
      write("a");
    };
    auto [one, other, done] = co_await when_all(next_of(changes), next_of(changes), write_later());
    EXPECT_EQ(std::min(one.kind, other.kind), kind::created);
    EXPECT_EQ(std::max(one.kind, other.kind), kind::modified);
    co_await expect(changes, kind::written, "a");
  });
}

TEST_P(file_watch_test, of_many_reads_all_in_order) {
  if (!file_watch::tells_each_change()) GTEST_SKIP() << "the system tells what differs, not each change";
  run([&]() -> task<> {
    file_watch changes = opened();
    add(changes, directory());
    const std::string long_name(200, 'n');
    for (int i = 0; i < 100; ++i) fs::create_directory(directory() / (long_name + std::to_string(i)));
    for (int i = 0; i < 100; ++i) co_await expect(changes, kind::created, long_name + std::to_string(i));
  });
}

TEST_P(file_watch_test, says_that_changes_were_lost) {
  if (!file_watch::tells_each_change()) GTEST_SKIP() << "the system tells what differs, not each change";
  int queued_max = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> queued_max;
  if (queued_max > 100'000) GTEST_SKIP() << "the kernel keeps " << queued_max << " changes";
  run([&]() -> task<> {
    write("a");
    write("b");
    file_watch changes = opened();
    add(changes, directory());
    // Two by turns, since equal changes that follow each other are one.
    for (int i = 0; i <= queued_max; ++i)
      EXPECT_EQ(::truncate((directory() / (i % 2 ? "a" : "b")).c_str(), i % 4), 0);
    bool overflowed = false;
    int told = 0;
    while (!overflowed && told <= queued_max) {
      const file_change change = co_await next_of(changes);
      overflowed = change.kind == kind::overflowed;
      ++told;
    }
    EXPECT_TRUE(overflowed);
    EXPECT_EQ(told, queued_max + 1);
  });
}

TEST_P(file_watch_test, of_what_is_not_there_is_an_error_that_names_it) {
  run([&]() -> task<> {
    file_watch changes = opened();
    result<int> refused = changes.add("/no/such/path");
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().endpoint(), "/no/such/path");
    co_return;
  });
}

INSTANTIATE_TEST_SUITE_P(backends, file_watch_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
