// Operations on files of a simulated host, as a program sees them.
#include "cancels_later.hpp"

#include <weir/async/file_operations.hpp>
#include <weir/async/operations.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/world.hpp>

#include <gtest/gtest.h>
#include <support/simulation.hpp>

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace weir::sim::test {
namespace {

using namespace std::chrono_literals;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// The file of that name; a program that has none fails.
task<descriptor> opened(const char* path, int flags = O_RDWR | O_CREAT) {
  result<descriptor> made = co_await async_open(AT_FDCWD, path, flags, 0600);
  EXPECT_TRUE(made) << path;
  if (!made) co_return descriptor();
  co_return std::move(*made);
}

task<std::string> content_of(const char* path) {
  result<descriptor> there = co_await async_open(AT_FDCWD, path, O_RDONLY);
  if (!there) co_return "none";
  std::string text(100, '?');
  result<std::size_t> got = co_await async_read_at(there->get(), 0, std::as_writable_bytes(std::span(text)));
  co_return got ? text.substr(0, *got) : "error";
}

/// Until the programs of the host have ended.
void run_program(world& in, host& on, host::program what) {
  on.start(std::move(what));
  EXPECT_TRUE(in.run_until([&] { return on.have_programs_ended(); }));
  EXPECT_EQ(on.failure(), nullptr);
}

TEST(sim_files, are_opened_written_read_renamed_and_removed) {
  world in(1, weir::test::without_faults());
  host& on = in.add_host("disk");
  run_program(in, on, [](host&) -> task<> {
    result<> made = co_await async_make_directory(AT_FDCWD, "directory", 0700);
    EXPECT_TRUE(made);
    const descriptor file = co_await opened("directory/file");
    EXPECT_TRUE(descriptor_table::is_simulated(file.get()));
    result<std::size_t> put = co_await async_write_at(file.get(), 0, bytes_of("content"));
    EXPECT_EQ(put.value_or(0), 7u);
    result<> synced = co_await async_sync(file.get(), false);
    EXPECT_TRUE(synced);
    result<> cut = co_await async_truncate(file.get(), 4);
    EXPECT_TRUE(cut);
    result<> room = co_await async_allocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, 4096);
    EXPECT_TRUE(room);
    struct statx found{};
    result<> asked = co_await async_status(AT_FDCWD, "directory/file", 0, STATX_BASIC_STATS, &found);
    EXPECT_TRUE(asked);
    EXPECT_EQ(found.stx_size, 4u);
    result<> renamed = co_await async_rename(AT_FDCWD, "directory/file", AT_FDCWD, "other");
    EXPECT_TRUE(renamed);
    const std::string moved = co_await content_of("other");
    EXPECT_EQ(moved, "cont");
    result<> removed = co_await async_unlink(AT_FDCWD, "other");
    EXPECT_TRUE(removed);
    result<> refused = co_await async_unlink(AT_FDCWD, "directory");
    EXPECT_TRUE(!refused && refused.error() == std::errc::is_a_directory);
    result<std::size_t> unopened = co_await async_write_at(-1, 0, bytes_of("x"));
    EXPECT_TRUE(!unopened && unopened.error() == std::errc::bad_file_descriptor);
  });
  EXPECT_EQ(on.descriptors().open_count(), 0u);
}

TEST(sim_files, that_are_cancelled_did_nothing_or_tell_what_they_did) {
  std::map<bool, int> were_written;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    world in(seed, weir::test::without_faults());
    host& on = in.add_host("disk");
    run_program(in, on, [&](host&) -> task<> {
      const descriptor file = co_await opened("file");
      cancels_later cancelled(in, seed * 1'500);
      bool is_written = false;
      auto writing = [&]() -> task<> {
        result<std::size_t> put = co_await async_write_at(file.get(), 0, bytes_of("x"));
        EXPECT_TRUE(put || put.error().is_cancelled());
        is_written = put.has_value();
      };
      co_await writing().under(&cancelled.scope);
      const std::string now = co_await content_of("file");
      EXPECT_EQ(now, is_written ? "x" : "");
      ++were_written[is_written];
    });
  }
  EXPECT_GT(were_written[true], 5);
  EXPECT_GT(were_written[false], 5);
}

TEST(sim_files, opens_that_are_cancelled_leak_no_descriptor) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    world in(seed);
    host& on = in.add_host("disk");
    run_program(in, on, [&](host&) -> task<> {
      cancels_later cancelled(in, seed * 100'000);
      auto opening = []() -> task<> { (void)co_await async_open(AT_FDCWD, "file", O_RDWR | O_CREAT, 0600); };
      auto under_scope = [&]() -> task<> { co_await opening().under(&cancelled.scope); };
      co_await when_all(under_scope(), under_scope());
    });
    EXPECT_EQ(on.descriptors().open_count(), 0u) << seed;
  }
}

TEST(sim_files, survive_a_crash_as_far_as_they_were_synced) {
  world in(7, weir::test::without_faults());
  in.faults().set(fault::lost_write, 1'000'000);
  host& on = in.add_host("disk");
  int lives = 0;
  std::string found;
  on.start([&](host&) -> task<> {
    const int life = ++lives;
    if (life == 1) {
      const descriptor file = co_await opened("file");
      const descriptor root = co_await opened("/", O_RDONLY);
      (void)co_await async_write_at(file.get(), 0, bytes_of("content"));
      (void)co_await async_sync(file.get(), false);
      (void)co_await async_sync(root.get(), false);
      (void)co_await async_unlink(AT_FDCWD, "file"); // not synced
      (void)co_await sleep_for(24h);                 // the crash comes first
      // Dead: nothing that it does has an effect.
      result<std::size_t> put = co_await async_write_at(file.get(), 0, bytes_of("CONTENT"));
      EXPECT_TRUE(!put && put.error().is_cancelled());
      (void)calls().unlink("file");
    } else {
      found = co_await content_of("file");
    }
  });
  on.crash_at(in.now_ns() + 60'000'000'000, 1'000'000);
  EXPECT_TRUE(in.run_until([&] { return lives == 2 && on.have_programs_ended(); }));
  EXPECT_TRUE(found == "content" || found == "none") << found;
  EXPECT_EQ(on.descriptors().open_count(), 0u);
}

TEST(sim_files, are_as_many_at_once_as_the_bound_allows_and_all_end) {
  world in(3);
  host& on = in.add_host("disk");
  loop_options few;
  few.io.operations_max = 4;
  int done = 0;
  on.start(
      [&](host&) -> task<> {
        std::vector<task<>> all;
        auto one = [&]() -> task<> {
          struct statx found{};
          result<> asked = co_await async_status(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &found);
          if (asked) ++done;
        };
        for (int i = 0; i < 100; ++i) all.push_back(one());
        co_await when_all(std::move(all));
      },
      few);
  EXPECT_TRUE(in.run_until([&] { return on.have_programs_ended(); }));
  EXPECT_EQ(done, 100);
}

} // namespace
} // namespace weir::sim::test
