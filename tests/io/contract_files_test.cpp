// Operations on files: what they do, how they end, and who carries them out.
#include "contract.hpp"

#include <weir/io/file_operations.hpp>
#include <weir/io/system_calls.hpp>

#include <support/scratch_directory.hpp>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace weir::test {
namespace {

struct open_file : recorded<open_operation> {
  open_file(const char* at_path, int with_flags, mode_t with_mode = 0600)
      : recorded(AT_FDCWD, at_path, with_flags, with_mode, record) {}
};
struct read_at : recorded<read_at_operation> {
  read_at(int file, std::uint64_t at, std::span<std::byte> into) : recorded(file, at, into, record) {}
  read_at(int file, std::uint64_t at, std::span<const iovec> into) : recorded(file, at, into, record) {}
};
struct write_at : recorded<write_at_operation> {
  write_at(int file, std::uint64_t at, std::string_view text)
      : recorded(file, at, std::as_bytes(std::span(text)), record) {}
  write_at(int file, std::uint64_t at, std::span<const iovec> pieces) : recorded(file, at, pieces, record) {}
};
struct sync_file : recorded<sync_operation> {
  sync_file(int file, bool only_data) : recorded(file, only_data, record) {}
};
struct allocate : recorded<allocate_operation> {
  allocate(int file, int with_mode, std::uint64_t at, std::uint64_t count)
      : recorded(file, with_mode, at, count, record) {}
};
struct truncate_file : recorded<truncate_operation> {
  truncate_file(int file, std::uint64_t count) : recorded(file, count, record) {}
};
struct status_of : recorded<status_operation> {
  explicit status_of(const char* at_path)
      : recorded(AT_FDCWD, at_path, 0, STATX_BASIC_STATS, &found, record) {}
  struct statx found{};
};
struct rename_file : recorded<rename_operation> {
  rename_file(const char* old_path, const char* new_path, unsigned with_flags = 0)
      : recorded(AT_FDCWD, old_path, AT_FDCWD, new_path, with_flags, record) {}
};
struct unlink_name : recorded<unlink_operation> {
  explicit unlink_name(const char* at_path, int with_flags = 0)
      : recorded(AT_FDCWD, at_path, with_flags, record) {}
};
struct make_directory : recorded<make_directory_operation> {
  explicit make_directory(const char* at_path) : recorded(AT_FDCWD, at_path, mode_t{0700}, record) {}
};
struct splice_bytes : recorded<splice_operation> {
  splice_bytes(int source, std::int64_t at, int target, std::uint32_t count)
      : recorded(source, at, target, splice_operation::no_offset, count, record) {}
};

std::string read_pipe(int reader, std::size_t bytes) {
  std::string text(bytes, '.');
  const ssize_t got = calls().read(reader, text.data(), bytes);
  return got < 0 ? "" : text.substr(0, static_cast<std::size_t>(got));
}

/// Work that holds up a thread until it is let go.
class gate : public pool_work {
 public:
  gate() : pool_work([](pool_work& self) noexcept { static_cast<gate&>(self).hold(); }) {}
  void let_go() {
    const std::lock_guard guard(lock_);
    is_open_ = true;
    changed_.notify_all();
  }
  void wait_until_held() {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [this] { return is_held_; });
  }

 private:
  void hold() {
    std::unique_lock guard(lock_);
    is_held_ = true;
    changed_.notify_all();
    changed_.wait(guard, [this] { return is_open_; });
  }
  std::mutex lock_;
  std::condition_variable changed_;
  bool is_open_ = false;
  bool is_held_ = false;
};

class contract_files : public contract {
 protected:
  descriptor opened(const std::string& path, int flags = O_RDWR | O_CREAT) {
    open_file opening(path.c_str(), flags);
    EXPECT_TRUE(run(opening));
    EXPECT_GE(opening.result(), 0) << path;
    return descriptor(opening.result());
  }
  template <class Operation>
  int outcome_of(Operation& op) {
    EXPECT_TRUE(run(op));
    return op.result();
  }

  scratch_directory scratch_;
};

class contract_files_on_threads : public contract_files {};

TEST_P(contract_files, say_who_carries_them_out) {
  const bool in_kernel =
      GetParam().is_simulated() || (GetParam().is_io_uring() && GetParam().allowed.has(capability::files));
  const bool transfers_in_kernel = in_kernel || on().backend().name() == "iocp";
  for (std::size_t kind = 0; kind < operation_kind_count; ++kind) {
    const auto each = static_cast<operation_kind>(kind);
    const bool on_threads = on().backend().execution_of(each) == execution::offloaded;
    if (is_transfer_at(each)) {
      EXPECT_EQ(on_threads, !transfers_in_kernel) << name_of(each);
    } else if (!in_kernel) {
      EXPECT_EQ(on_threads, is_file_operation(each)) << name_of(each);
    }
  }
}

TEST_P(contract_files, are_opened_written_and_read_at_offsets) {
  const std::string path = scratch_.path("file");
  const descriptor file = opened(path);
  EXPECT_EQ(calls().fcntl(file.get(), F_GETFD, 0), FD_CLOEXEC);
  write_at writing(file.get(), 10, "hello");
  EXPECT_EQ(outcome_of(writing), 5);
  std::array<std::byte, 100> bytes{};
  read_at reading(file.get(), 8, bytes);
  EXPECT_EQ(outcome_of(reading), 7) << "what there is";
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(bytes.data()), 7),
            std::string_view("\0\0hello", 7));
  read_at at_end(file.get(), 15, bytes);
  EXPECT_EQ(outcome_of(at_end), 0);
}

TEST_P(contract_files, are_read_into_and_written_from_several_places) {
  const descriptor file = opened(scratch_.path("file"));
  std::string one = "one", two = "two", four = "four";
  const std::array<iovec, 3> from{{{one.data(), 3}, {two.data(), 3}, {four.data(), 4}}};
  write_at writing(file.get(), 0, from);
  EXPECT_EQ(outcome_of(writing), 10);
  const std::array<iovec, 2> into{{{four.data(), 4}, {one.data(), 3}}};
  read_at reading(file.get(), 0, into);
  EXPECT_EQ(outcome_of(reading), 7);
  EXPECT_EQ(four + one, "onetwof");
}

TEST_P(contract_files, are_synced_allocated_and_truncated) {
  const std::string path = scratch_.path("file");
  const descriptor file = opened(path);
  sync_file with_times(file.get(), false), data(file.get(), true);
  EXPECT_EQ(outcome_of(with_times), 0);
  EXPECT_EQ(outcome_of(data), 0);
  allocate extend(file.get(), 0, 0, 5000);
  EXPECT_EQ(outcome_of(extend), 0);
  EXPECT_EQ(status_of_path(path).st_size, 5000);
  truncate_file shrink(file.get(), 7);
  EXPECT_EQ(outcome_of(shrink), 0);
  EXPECT_EQ(status_of_path(path).st_size, 7);
}

TEST_P(contract_files, have_names_that_are_made_looked_up_changed_and_removed) {
  const std::string directory = scratch_.path("directory");
  const std::string from = directory + "/from", to = directory + "/to";
  make_directory making(directory.c_str()), again(directory.c_str());
  EXPECT_EQ(outcome_of(making), 0);
  EXPECT_EQ(outcome_of(again), -EEXIST);
  opened(from);
  scratch_.write("directory/from", "12345");
  rename_file renaming(from.c_str(), to.c_str());
  EXPECT_EQ(outcome_of(renaming), 0);
  status_of there(to.c_str()), gone(from.c_str());
  EXPECT_EQ(outcome_of(there), 0);
  EXPECT_EQ(there.found.stx_size, 5u);
  EXPECT_EQ(outcome_of(gone), -ENOENT);
  opened(from);
  rename_file onto(from.c_str(), to.c_str(), RENAME_NOREPLACE);
  EXPECT_EQ(outcome_of(onto), -EEXIST);
  unlink_name first(from.c_str()), second(to.c_str()), third(directory.c_str(), AT_REMOVEDIR);
  EXPECT_EQ(outcome_of(first), 0);
  EXPECT_EQ(outcome_of(second), 0);
  EXPECT_EQ(outcome_of(third), 0);
  EXPECT_EQ(scratch_.size(), 0u);
}

TEST_P(contract_files, are_spliced_into_a_pipe_as_far_as_there_is_room) {
  const std::string path = scratch_.write("file", pattern(200'000));
  const descriptor file = opened(path, O_RDONLY);
  int ends[2];
  ASSERT_EQ(calls().pipe2(ends, O_CLOEXEC), 0);
  const descriptor reader(ends[0]), writer(ends[1]);
  splice_bytes some(file.get(), 5, writer.get(), 10);
  const int first = outcome_of(some);
  if (first == -ENOSYS) GTEST_SKIP() << "splice: ENOSYS";
  EXPECT_EQ(first, 10);
  EXPECT_EQ(read_pipe(reader.get(), 10), pattern(15).substr(5));
  int moved = 0;
  for (;;) {
    splice_bytes more(file.get(), moved, writer.get(), 150'000);
    const int outcome = outcome_of(more);
    if (outcome < 0) {
      EXPECT_EQ(outcome, -EAGAIN) << "a full pipe is not waited for";
      break;
    }
    moved += outcome;
  }
  EXPECT_EQ(read_pipe(reader.get(), static_cast<std::size_t>(moved)),
            pattern(static_cast<std::size_t>(moved)));
}

TEST_P(contract_files, that_fail_say_why) {
  const std::string nothing = scratch_.path("nothing"), here = scratch_.path();
  open_file missing(nothing.c_str(), O_RDONLY), both(here.c_str(), O_RDWR);
  EXPECT_EQ(outcome_of(missing), -ENOENT);
  EXPECT_EQ(outcome_of(both), -EISDIR);
  std::array<std::byte, 1> byte{};
  read_at unopened(-1, 0, byte);
  EXPECT_EQ(outcome_of(unopened), -EBADF);
  const descriptor write_only = opened(scratch_.path("file"), O_WRONLY | O_CREAT);
  read_at not_allowed(write_only.get(), 0, byte);
  EXPECT_EQ(outcome_of(not_allowed), -EBADF);
}

TEST_P(contract_files, ten_thousand_at_once_wait_in_line_and_all_end) {
  loop_options small = options();
  small.io.operations_max = 64;
  reopen(small);
  if (IsSkipped()) return;
  constexpr std::size_t count = 10'000;
  const descriptor file = opened(scratch_.write("file", pattern(count)), O_RDONLY);
  std::vector<std::byte> bytes(count);
  std::deque<read_at> reads;
  for (std::size_t at = 0; at < count; ++at)
    start(reads.emplace_back(file.get(), at, std::span(bytes).subspan(at, 1)));
  EXPECT_GE(on().counters().operations_parked, count - 64);
  ASSERT_TRUE(wait_for([&] { return on().outstanding() == 0; }));
  EXPECT_TRUE(std::ranges::all_of(reads, [](const read_at& each) { return each.results == std::vector{1}; }));
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(bytes.data()), count), pattern(count));
}

TEST_P(contract_files, ten_thousand_opens_cancelled_at_once_leak_nothing) {
  const std::string path = scratch_.write("file", "x");
  std::deque<open_file> opens;
  for (int i = 0; i < 10'000; ++i) {
    open_file& each = opens.emplace_back(path.c_str(), O_RDONLY);
    each.then = [&each] { descriptor(each.result()).reset(); };
    start(each);
    if (i == 5'000) turn();
  }
  for (open_file& each : opens) each.cancel();
  ASSERT_TRUE(wait_for([&] { return on().outstanding() == 0; }));
  for (const open_file& each : opens) {
    ASSERT_EQ(each.results.size(), 1u);
    EXPECT_TRUE(each.result() >= 0 || each.result() == -ECANCELED) << each.result();
  }
} // the fixture counts the descriptors

TEST_P(contract_files_on_threads, the_loop_goes_on_while_they_wait_for_a_thread) {
  blocking_pool_options one_thread;
  one_thread.of(pool_class::disk) = pool_class_options(1, 1);
  blocking_pool pool(one_thread);
  loop_options own_pool = options();
  own_pool.blocking = &pool;
  reopen(own_pool);
  if (IsSkipped()) return;

  gate held;
  ASSERT_TRUE(pool.submit(pool_class::disk, held));
  held.wait_until_held();
  const std::string path = scratch_.write("file", "x");
  open_file waits(path.c_str(), O_RDONLY), is_cancelled(path.c_str(), O_RDONLY),
      behind(path.c_str(), O_RDONLY);
  start(waits, is_cancelled, behind); // more than the bound of the pool: they stand in line
  nop passes;
  ASSERT_TRUE(run(passes));
  is_cancelled.cancel();
  ASSERT_TRUE(finish(is_cancelled)) << "it had not begun";
  EXPECT_EQ(is_cancelled.result(), -ECANCELED);
  EXPECT_FALSE(waits.is_done() || behind.is_done());
  held.let_go();
  ASSERT_TRUE(finish(waits, behind));
  EXPECT_GE(waits.result(), 0);
  EXPECT_GE(behind.result(), 0);
  descriptor(waits.result()).reset();
  descriptor(behind.result()).reset();
  close_loop();
}

TEST_P(contract_files_on_threads, one_that_runs_is_cancelled_in_vain_and_keeps_its_descriptor) {
  const std::string fifo = scratch_.fifo("fifo");
  if (fifo.empty()) GTEST_SKIP() << "mkfifo: ENOSYS";
  open_file reader(fifo.c_str(), O_RDONLY); // holds its thread until there is a writer
  start(reader);
  descriptor writer;
  while (!writer) { // it has begun once a writer finds it
    turn();
    writer = descriptor(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  }
  reader.cancel();
  ASSERT_TRUE(finish(reader));
  EXPECT_GE(reader.result(), 0);
  descriptor(reader.result()).reset();
}

TEST_P(contract_files, a_loop_that_ends_waits_for_one_that_runs) {
  const descriptor file = opened(scratch_.write("file", pattern(1 << 20)), O_RDONLY);
  std::vector<std::byte> bytes(1 << 20);
  for (int round = 0; round < 20; ++round) {
    reopen(options());
    if (IsSkipped()) return;
    auto reading = std::make_unique<read_at>(file.get(), 0, bytes);
    start(*reading);
    if (round % 2 == 0) turn();
    reading->cancel();
    reading.reset(); // waits as the loop does at its end
    close_loop();
  }
}

TEST_P(contract_files, may_be_started_anew_or_destroyed_by_their_handlers) {
  const descriptor file = opened(scratch_.write("file", "0123456789"), O_RDONLY);
  std::array<std::byte, 1> byte{};
  std::string heard;
  auto reading = std::make_unique<read_at>(file.get(), 0, byte);
  reading->then = [&] {
    heard += static_cast<char>(byte[0]);
    reading->offset = heard.size();
    if (heard.size() < 10)
      start(*reading);
    else
      reading.reset();
  };
  start(*reading);
  ASSERT_TRUE(wait_for([&] { return !reading; }));
  EXPECT_EQ(heard, "0123456789");
}

std::vector<backend_case> backends_with_files_on_threads() {
  std::vector<backend_case> found;
  for (const backend_case& each : file_backends())
    if (!each.is_simulated() && (!each.is_io_uring() || !each.allowed.has(capability::files)))
      found.push_back(each);
  return found;
}

INSTANTIATE_TEST_SUITE_P(backends, contract_files,
                         testing::ValuesIn(file_backends().begin(), file_backends().end()), name_of_backend);
INSTANTIATE_TEST_SUITE_P(backends, contract_files_on_threads,
                         testing::ValuesIn(backends_with_files_on_threads()), name_of_backend);

} // namespace
} // namespace weir::test
