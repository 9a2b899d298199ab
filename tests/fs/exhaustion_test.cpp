// What files need fails once at each place where it is needed: memory, threads, and each call on a file,
// whoever makes it. Whatever fails, no file is left that nobody asked for, and no half of one.
#include "fs_test.hpp"

#include <weir/async/operations.hpp>
#include <weir/fs/atomic_replace.hpp>
#include <weir/fs/directory.hpp>
#include <weir/fs/paths.hpp>
#include <weir/fs/send_file.hpp>
#include <weir/fs/temporary_file.hpp>

#include <support/exhaustion.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>

namespace weir::test {
namespace {

class fs_exhaustion : public exhaustion_test {
 protected:
  /// Threads that the process keeps would take work that a run counts on starting them for.
  void SetUp() override {
    exhaustion_test::SetUp();
    options_.blocking = &threads_;
  }

  static blocking_pool_options impatient() {
    blocking_pool_options options;
    options.of(pool_class::disk).threads_max = 1; // else calls have no order
    return options;
  }

  std::size_t names() const {
    const spared of_faults;
    return scratch_.size();
  }
  void remove_names(std::initializer_list<const char*> all) const {
    const spared of_faults;
    for (const char* each : all) std::filesystem::remove(scratch_.path(each));
  }

  blocking_pool threads_{impatient()};
  scratch_directory scratch_{scratch_directory::memory()};
  std::string text_ = std::string(100'000, 'w');
};

std::string pattern_of(std::size_t size) {
  std::string made(size, '\0');
  for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<char>('a' + i % 23);
  return made;
}

task<result<>> write_and_read(std::string path, std::string& text) {
  result<file> made = co_await file::open(path, open_options(access::read_write).creating(creation::emptied));
  if (!made) co_return fail(made.error());
  result<> step = co_await made->allocate(0, text.size());
  if (!step) co_return step;
  iovec halves[] = {{text.data(), text.size() / 2},
                    {text.data() + text.size() / 2, text.size() - text.size() / 2}};
  transfer moved = co_await made->write_all_at(0, std::span<iovec>(halves));
  if (!moved) co_return fail(moved.error());
  step = co_await made->sync_data();
  if (!step) co_return step;
  step = co_await made->truncate(text.size() - 1);
  if (!step) co_return step;
  result<std::uint64_t> size = co_await made->size_bytes();
  if (!size) co_return fail(size.error());
  std::string read(static_cast<std::size_t>(*size), '\0');
  moved = co_await made->read_exactly_at(0, memory_of(read));
  if (!moved) co_return fail(moved.error());
  EXPECT_EQ(read, text.substr(0, text.size() - 1));
  co_return co_await made->close();
}

TEST_P(fs_exhaustion, of_writing_and_reading_is_an_error) {
  fail_each_step_of([this] { return within_patience(write_and_read(scratch_.path("file"), text_)); });
}

task<result<>> replace(std::string path, std::string_view content) {
  co_return co_await atomic_replace(std::move(path), bytes_of(content));
}

TEST_P(fs_exhaustion, of_an_atomic_replace_leaves_the_old_or_the_new) {
  const std::string before = "before";
  const auto begin_anew = [&] {
    const spared of_faults;
    EXPECT_LE(scratch_.size(), 1u) << "a draft was left";
    const std::string now = scratch_.read("file");
    EXPECT_TRUE(now.empty() || now == before || now == text_) << now.size();
    scratch_.write("file", before);
  };
  fail_each_step_of([&] {
    begin_anew();
    return within_patience(replace(scratch_.path("file"), text_));
  });
  EXPECT_EQ(scratch_.read("file"), text_);
  EXPECT_EQ(scratch_.size(), 1u);
}

task<result<>> list(std::string path, std::size_t& seen) {
  result<directory> here = co_await directory::open(path);
  if (!here) co_return fail(here.error());
  auto entries = here->entries();
  for (;;) {
    std::optional<result<directory_entry>> next = co_await entries.next();
    if (!next) co_return result<>();
    if (!*next) co_return fail(next->error());
    ++seen;
  }
}

TEST_P(fs_exhaustion, of_a_listing_is_an_error) {
  for (const char* name : {"one", "two", "three"}) scratch_.write(name, "");
  std::size_t seen = 0;
  fail_each_step_of([&] {
    seen = 0;
    return within_patience(list(scratch_.path(), seen));
  });
  EXPECT_EQ(seen, 3u);
}

task<result<>> keep_a_draft(std::string below, std::string_view text) {
  result<temporary_file> draft = co_await temporary_file::create(below);
  if (!draft) co_return fail(draft.error());
  transfer written = co_await draft->contents().write_all_at(0, bytes_of(text));
  if (!written) co_return fail(written.error());
  co_return co_await draft->persist(below + "/kept");
}

TEST_P(fs_exhaustion, of_a_temporary_file_leaves_none) {
  fail_each_step_of([this] {
    EXPECT_LE(names(), 1u) << "a draft was left"; // beside the one that was kept
    return within_patience(keep_a_draft(scratch_.path(), "kept"));
  });
  EXPECT_EQ(scratch_.read("kept"), "kept");
}

task<result<>> change_names(std::string below) {
  result<> step = co_await make_directory(below + "/new");
  if (!step) co_return step;
  step = co_await fs::rename(below + "/new", below + "/old", when_there::refuse);
  if (!step) co_return step;
  result<bool> is_there = co_await exists(below + "/old");
  if (!is_there) co_return fail(is_there.error());
  EXPECT_TRUE(*is_there);
  step = co_await sync_directory(below);
  if (!step) co_return step;
  co_return co_await remove_directory(below + "/old");
}

TEST_P(fs_exhaustion, of_changed_names_is_an_error) {
  fail_each_step_of([this] {
    remove_names({"new", "old"});
    return within_patience(change_names(scratch_.path()));
  });
}

task<result<>> take_all(int socket, std::size_t& taken) {
  std::array<std::byte, 16384> buffer;
  for (;;) {
    result<std::size_t> got = co_await async_receive(socket, buffer);
    if (!got) co_return fail(got.error());
    if (*got == 0) co_return result<>();
    taken += *got;
  }
}

task<result<>> send_all(descriptor socket, std::string path, std::size_t bytes) {
  result<file> from = co_await file::open(std::move(path));
  if (!from) co_return fail(from.error());
  transfer sent = co_await send_file(socket.get(), *from, 0, bytes);
  if (!sent) co_return fail(sent.error());
  co_return co_await async_close(std::move(socket));
}

task<result<>> send_to_a_socket(std::string path, std::size_t bytes) {
  connection ends;
  {
    const spared of_faults;
    ends = connect_pair(transport::local);
  }
  std::size_t taken = 0;
  result<> moved = co_await side_by_side(send_all(std::move(ends.ours), std::move(path), bytes),
                                         take_all(ends.theirs.get(), taken));
  if (moved) {
    EXPECT_EQ(taken, bytes);
  }
  co_return moved;
}

TEST_P(fs_exhaustion, of_sending_a_file_is_an_error) {
  text_ = pattern_of(600'000); // more than a pipe holds
  const std::string path = scratch_.write("page", text_);
  fail_each_step_of([&] { return within_patience(send_to_a_socket(path, text_.size())); });
}

const auto files_of = [](const char* name) {
  return *std::ranges::find(file_backends(), std::string_view(name),
                            [](const backend_case& each) { return std::string_view(each.name); });
};

INSTANTIATE_TEST_SUITE_P(each, fs_exhaustion,
                         testing::Combine(testing::Values(files_of("io_uring"), files_of("epoll")),
                                          testing::Values(fault_kind::allocation, fault_kind::operation)),
                         name_of_fault);
INSTANTIATE_TEST_SUITE_P(
    on_threads, fs_exhaustion,
    testing::Combine(testing::Values(files_of("io_uring_files_on_threads"), files_of("epoll")),
                     testing::Values(fault_kind::system_call, fault_kind::offloaded_call)),
    name_of_fault);

} // namespace
} // namespace weir::test
