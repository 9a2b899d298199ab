// The examples of docs/files.md, as they stand there.
#include "fs_test.hpp"

#include <weir/fs/aligned_buffer.hpp>
#include <weir/fs/directory.hpp>
#include <weir/fs/paths.hpp>

#include <algorithm>

namespace weir::test {
namespace {

task<result<std::string>> first_line_of(std::string path) {
  result<file> text = co_await file::open(path);
  if (!text) co_return fail(text.error()); // "open nothing: No such file or directory"
  std::string line(80, ' ');
  result<std::size_t> got = co_await text->read_some_at(0, std::as_writable_bytes(std::span(line)));
  if (!got) co_return fail(got.error());
  line.resize(std::min(*got, line.find('\n')));
  co_return line;
}

task<result<>> append_to(std::string path, std::string_view line) {
  result<file> log = co_await file::open(path, open_options(access::write).creating(creation::if_missing));
  if (!log) co_return fail(log.error());
  result<std::uint64_t> size = co_await log->size_bytes();
  if (!size) co_return fail(size.error());
  transfer written = co_await log->write_all_at(*size, std::as_bytes(std::span(line)));
  if (!written) co_return fail(written.error()); // written.bytes() are in the file: the disk may be full
  co_return co_await log->sync_data();
}

task<result<std::size_t>> read_block(std::string path, std::uint64_t number) {
  result<file> disk = co_await file::open(path, open_options(access::read).direct());
  if (!disk) co_return fail(disk.error()); // not every file system can
  aligned_buffer block(4096, disk->alignment().memory);
  co_return co_await disk->read_some_at(number * 4096, block.bytes());
}

task<result<std::uint64_t>> bytes_below(std::string path) {
  result<directory> here = co_await directory::open(path);
  if (!here) co_return fail(here.error());
  std::uint64_t sum_bytes = 0;
  auto entries = here->entries();
  for (;;) {
    std::optional<result<directory_entry>> next = co_await entries.next();
    if (!next) co_return sum_bytes;
    if (!*next) co_return fail(next->error());
    result<file_status> found = co_await status_of(path + "/" + (*next)->name, follow_links::no);
    if (found && found->kind == file_kind::regular) sum_bytes += found->size_bytes;
  }
}

class docs_test : public fs_test {};

TEST_P(docs_test, reading_and_writing) {
  run([&]() -> task<> {
    const std::string path = scratch_.path("log");
    EXPECT_TRUE(co_await append_to(path, "first\n"));
    EXPECT_TRUE(co_await append_to(path, "second\n"));
    EXPECT_EQ(scratch_.read("log"), "first\nsecond\n");
    result<std::string> line = co_await first_line_of(path);
    EXPECT_EQ(line.value_or(""), "first");
    result<std::string> none = co_await first_line_of("nothing");
    EXPECT_EQ(none.error().message(), "open nothing: No such file or directory");
    result<std::uint64_t> sum = co_await bytes_below(scratch_.path());
    EXPECT_EQ(sum.value_or(0), 13u);
  });
}

TEST_P(docs_test, past_the_page_cache) {
  run([&]() -> task<> {
    result<std::size_t> got = co_await read_block(scratch_.write("disk", pattern(10'000)), 1);
    EXPECT_TRUE(got || got.error() == std::errc::invalid_argument) << got.error().message();
    EXPECT_EQ(got.value_or(4096), 4096u);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, docs_test, each_way_of_files(), name_of_backend);

} // namespace
} // namespace weir::test
