// Files are read and written at offsets, whole or in part, and tell how far they came.
#include "fs_test.hpp"

#include <weir/async/offload.hpp>
#include <weir/fs/aligned_buffer.hpp>

#include <fcntl.h>
#include <support/allocations.hpp>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <memory>

namespace weir::test {
namespace {

const open_options made_new = open_options(access::read_write).creating(creation::always_new);

class file_test : public fs_test {
 protected:
  std::unique_ptr<blocking_pool> pool_; ///< outlives the loop
};

TEST_P(file_test, is_opened_as_its_options_say) {
  run([&]() -> task<> {
    const std::string path = scratch_.path("file");
    result<file> missing = co_await file::open(path);
    EXPECT_TRUE(!missing && missing.error() == std::errc::no_such_file_or_directory);
    file made = co_await opened(path, made_new.permissions(0640));
    EXPECT_EQ(permissions_of(path), 0640u);
    result<file> again = co_await file::open(path, made_new);
    EXPECT_TRUE(!again && again.error() == std::errc::file_exists);
    scratch_.write("file", "content");
    file kept = co_await opened(path, open_options(access::write).creating(creation::if_missing));
    EXPECT_EQ(scratch_.read("file"), "content");
    std::string byte = "x";
    result<std::size_t> not_allowed = co_await kept.read_some_at(0, memory_of(byte));
    EXPECT_TRUE(!not_allowed && not_allowed.error() == std::errc::bad_file_descriptor);
    file emptied = co_await opened(path, open_options(access::write).creating(creation::emptied));
    EXPECT_EQ(scratch_.read("file"), "");
  });
}

TEST_P(file_test, reads_what_there_is_and_then_the_end) {
  run([&]() -> task<> {
    file content = co_await opened(scratch_.write("file", "0123456789"));
    std::string into(100, '.');
    result<std::size_t> some = co_await content.read_some_at(4, memory_of(into));
    EXPECT_EQ(some.value_or(0), 6u);
    EXPECT_EQ(into.substr(0, 7), "456789.");
    result<std::size_t> end = co_await content.read_some_at(10, memory_of(into));
    EXPECT_EQ(end.value_or(99), 0u);
    std::string exact(3, '.');
    transfer whole = co_await content.read_exactly_at(7, memory_of(exact));
    EXPECT_TRUE(whole);
    EXPECT_EQ(exact, "789");
    transfer cut = co_await content.read_exactly_at(8, memory_of(exact));
    EXPECT_FALSE(cut);
    EXPECT_EQ(cut.bytes(), 2u) << "how far it came";
    EXPECT_EQ(cut.error(), errc::end_of_stream);
    EXPECT_EQ(cut.error().endpoint(), scratch_.path("file"));
  });
}

TEST_P(file_test, writes_from_several_places_and_reads_into_several) {
  run([&]() -> task<> {
    file content = co_await opened(scratch_.path("file"), made_new);
    std::string one = "one", two = "two", empty, many = pattern(3000);
    std::vector<iovec> from{{one.data(), 3}, {empty.data(), 0}, {two.data(), 3}};
    for (std::size_t i = 0; i < 1500; ++i)
      from.push_back({many.data() + 2 * i, 2}); // more than one call takes
    transfer written = co_await content.write_all_at(5, from);
    EXPECT_TRUE(written);
    EXPECT_EQ(written.bytes(), 3006u);
    EXPECT_EQ(scratch_.read("file"), std::string(5, '\0') + "onetwo" + many);
    std::vector<iovec> into{{two.data(), 3}, {one.data(), 3}};
    result<std::size_t> got = co_await content.read_some_at(5, std::span<const iovec>(into));
    EXPECT_EQ(got.value_or(0), 6u);
    EXPECT_EQ(two + one, "onetwo");
  });
}

TEST_P(file_test, tells_and_changes_its_size_and_is_synced) {
  run([&]() -> task<> {
    file content = co_await opened(scratch_.write("file", "12345"), access::read_write);
    EXPECT_EQ((co_await content.size_bytes()).value_or(0), 5u);
    EXPECT_TRUE(co_await content.allocate(0, 10'000));
    EXPECT_EQ((co_await content.size_bytes()).value_or(0), 10'000u);
    EXPECT_TRUE(co_await content.truncate(3));
    EXPECT_TRUE(co_await content.sync());
    EXPECT_TRUE(co_await content.sync_data());
    result<file_status> found = co_await content.status();
    EXPECT_EQ(found->size_bytes, 3u);
    EXPECT_EQ(found->kind, file_kind::regular);
    EXPECT_EQ(scratch_.read("file"), "123");
    EXPECT_TRUE(co_await content.close());
    EXPECT_FALSE(content);
  });
}

TEST_P(file_test, past_the_page_cache_wants_all_aligned_and_says_what_is_not) {
  run([&]() -> task<> {
    const std::string path = scratch_.write("file", pattern(20'000));
    result<file> content = co_await file::open(path, open_options(access::read_write).direct());
    if (!content) {
      EXPECT_EQ(content.error(), std::errc::invalid_argument) << "a file system without direct transfers";
      co_return;
    }
    const direct_alignment wanted = content->alignment();
    EXPECT_GE(wanted.offset, 512u);
    aligned_buffer memory(8192, 4096);
    result<std::size_t> got = co_await content->read_some_at(4096, memory.bytes());
    EXPECT_EQ(got.value_or(0), 8192u);
    EXPECT_EQ(std::string_view(reinterpret_cast<char*>(memory.bytes().data()), 8192),
              pattern(20'000).substr(4096, 8192));
    transfer at_end = co_await content->read_exactly_at(16'384, memory.bytes());
    EXPECT_EQ(at_end.bytes(), 20'000u - 16'384u);
    EXPECT_EQ(at_end.error(), errc::end_of_stream) << "and no unaligned read behind it";

    result<std::size_t> offset = co_await content->read_some_at(100, memory.bytes());
    result<std::size_t> length = co_await content->read_some_at(0, memory.first(100));
    result<std::size_t> address = co_await content->write_some_at(0, memory.bytes().subspan(1, 4096));
    EXPECT_EQ(offset.error().message(),
              "direct transfer: the offset is not aligned " + path + ": Invalid argument");
    EXPECT_EQ(length.error().message(),
              "direct transfer: the length is not aligned " + path + ": Invalid argument");
    EXPECT_EQ(address.error().message(),
              "direct transfer: the memory is not aligned " + path + ": Invalid argument");
  });
}

TEST_P(file_test, tells_how_much_found_room_when_the_disk_is_full) {
  if (GetParam().is_simulated()) GTEST_SKIP() << "neither /dev/full nor limits of the process are simulated";
  run([&]() -> task<> {
    file full = co_await opened("/dev/full", access::write);
    transfer none = co_await full.write_all_at(0, bytes_of("no room"));
    EXPECT_EQ(none.bytes(), 0u);
    EXPECT_EQ(none.error(), std::errc::no_space_on_device);

    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const auto handler_before = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{10'000, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    file content = co_await opened(scratch_.path("file"), made_new);
    transfer some = co_await content.write_all_at(0, bytes_of(pattern(15'000)));
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler_before);
    EXPECT_EQ(some.bytes(), 10'000u);
    EXPECT_EQ(some.error(), std::errc::file_too_large);
    EXPECT_EQ(scratch_.read("file"), pattern(10'000));
  });
}

TEST_P(file_test, in_a_scope_that_was_asked_to_end_does_nothing) {
  run([&]() -> task<> {
    cancellation scope;
    scope.request();
    result<file> content = co_await file::open(scratch_.path("file"), made_new).under(&scope);
    EXPECT_TRUE(!content && content.error().is_cancelled());
    EXPECT_EQ(scratch_.size(), 0u);
    file kept = co_await opened(scratch_.write("file", "x"), access::read_write);
    transfer written = co_await kept.write_all_at(0, bytes_of("y")).under(&scope);
    EXPECT_TRUE(!written && written.error().is_cancelled());
    EXPECT_EQ(scratch_.read("file"), "x");
    EXPECT_TRUE(co_await kept.close().under(&scope)) << "closing is not cancelled";
  });
}

TEST_P(file_test, an_open_that_is_cancelled_at_any_moment_leaks_nothing) {
  const std::string path = scratch_.write("file", "x");
  run([&]() -> task<> {
    for (int turns_before = 0; turns_before < 100; ++turns_before) {
      cancellation scope;
      auto cancel = [&]() -> task<> {
        if (turns_before % 4 != 0) co_await turns(turns_before % 4);
        scope.request();
      };
      auto attempt = [&]() -> task<> {
        result<file> content = co_await file::open(path).under(&scope);
        EXPECT_TRUE(content || content.error().is_cancelled());
      };
      co_await when_all(attempt(), cancel());
    }
  });
} // the fixture counts the descriptors

TEST_P(file_test, a_read_with_a_deadline_leaves_its_memory_alone_afterwards) {
  run([&]() -> task<> {
    file content = co_await opened(scratch_.write("file", pattern(1 << 20)));
    for (int i = 0; i < 20; ++i) {
      std::string into(1 << 20, '.');
      result<std::size_t> got = co_await with_deadline(0ns, content.read_some_at(0, memory_of(into)));
      EXPECT_TRUE(got || got.error().is_timeout());
    } // freed here: the sanitizers look whether anybody writes to it
  });
}

TEST_P(file_test, reads_and_writes_allocate_nothing_in_steady_state) {
  run([&]() -> task<> {
    file content = co_await opened(scratch_.write("file", pattern(10'000)), access::read_write);
    std::string into(100, '.');
    std::uint64_t before = 0;
    for (int i = 0; i < 300; ++i) {
      if (i == 100) before = allocations_of_this_thread();
      transfer got = co_await content.read_exactly_at(50, memory_of(into));
      transfer put = co_await content.write_all_at(5'000, bytes_of(into));
      EXPECT_TRUE(got && put);
    }
    constexpr std::uint64_t threads_max = 8; // of the pool: each allocates when it starts, which may be late
    EXPECT_LE(allocations_of_this_thread() - before, threads_max);
  });
}

TEST_P(file_test, that_is_closed_while_no_thread_is_free_does_not_hold_up_the_loop) {
  blocking_pool_options one_thread;
  one_thread.of(pool_class::disk) = pool_class_options(1, 1);
  pool_ = std::make_unique<blocking_pool>(one_thread);
  loop_options own_pool = options();
  own_pool.blocking = pool_.get();
  reopen(own_pool);
  if (IsSkipped()) return;
  run([&]() -> task<> {
    file content = co_await opened(scratch_.write("file", "x"));
    bool is_released = false;
    std::atomic<bool> may_end = false;
    auto hold = [&may_end] { may_end.wait(false); };
    auto holding = [&]() -> task<> {
      result<> held = co_await offload(pool_class::disk, hold);
      EXPECT_TRUE(held);
    };
    auto closing = [&]() -> task<> {
      result<> closed = co_await content.close();
      EXPECT_TRUE(closed && (is_released || !on_threads()));
    };
    auto releasing = [&]() -> task<> {
      co_await turns(3);
      is_released = true;
      may_end = true;
      may_end.notify_one();
    };
    co_await when_all(holding(), closing(), releasing());
  });
}

INSTANTIATE_TEST_SUITE_P(backends, file_test, each_way_of_files(), name_of_backend);

} // namespace
} // namespace weir::test
