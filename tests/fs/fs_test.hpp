// A test that is a coroutine with a directory of its own, once for each way of carrying out operations on
// files.
#pragma once

#include <weir/fs/file.hpp>

#include <support/coroutine_fixture.hpp>
#include <support/scratch_directory.hpp>

#include <span>
#include <string>
#include <string_view>

namespace weir::test {

using namespace weir::fs;

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::span<std::byte> memory_of(std::string& text) {
  return std::as_writable_bytes(std::span(text));
}

class fs_test : public per_backend<coroutine_fixture> {
 protected:
  fs_test() = default;
  explicit fs_test(const std::filesystem::path& below) : scratch_(below) {}

  bool on_threads() { return on().backend().execution_of(operation_kind::read_at) == execution::offloaded; }

  scratch_directory scratch_;
};

/// The file of that name; a test that has none fails.
inline task<file> opened(std::string path, open_options options = open_options()) {
  result<file> made = co_await file::open(path, options);
  EXPECT_TRUE(made) << made.error().message();
  if (!made) co_return file();
  co_return std::move(*made);
}

inline auto each_way_of_files() {
  return testing::ValuesIn(file_backends().begin(), file_backends().end());
}

} // namespace weir::test
