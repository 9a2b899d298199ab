#include <weir/async/file_operations.hpp>
#include <weir/async/operations.hpp>
#include <weir/fs/paths.hpp>

#include <cstdio>

namespace weir::fs {

task<result<>> make_directory(std::string path, mode_t permissions) {
  result<> made = co_await async_make_directory(AT_FDCWD, path.c_str(), permissions);
  if (!made) co_return fail(std::move(made).error().at(path));
  co_return made;
}

task<result<>> remove_directory(std::string path) {
  result<> removed = co_await async_unlink(AT_FDCWD, path.c_str(), AT_REMOVEDIR);
  if (!removed) co_return fail(std::move(removed).error().at(path));
  co_return removed;
}

task<result<>> remove_file(std::string path) {
  result<> removed = co_await async_unlink(AT_FDCWD, path.c_str());
  if (!removed) co_return fail(std::move(removed).error().at(path));
  co_return removed;
}

task<result<>> rename(std::string from, std::string to, when_there policy) {
  const unsigned flags = policy == when_there::refuse ? RENAME_NOREPLACE : 0;
  result<> renamed = co_await async_rename(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags);
  if (!renamed) co_return fail(std::move(renamed).error().at(from + " to " + to));
  co_return renamed;
}

task<result<file_status>> status_of(std::string path, follow_links policy) {
  struct statx found{};
  const int flags = policy == follow_links::no ? AT_SYMLINK_NOFOLLOW : 0;
  result<> asked = co_await async_status(AT_FDCWD, path.c_str(), flags, STATX_BASIC_STATS, &found);
  if (!asked) co_return fail(std::move(asked).error().at(path));
  co_return file_status(found);
}

task<result<bool>> exists(std::string path) {
  result<file_status> found = co_await status_of(std::move(path));
  if (found) co_return true;
  const error& why = found.error();
  if (why == std::errc::no_such_file_or_directory || why == std::errc::not_a_directory) co_return false;
  co_return fail(std::move(found).error());
}

task<result<>> sync_directory(std::string path) {
  result<descriptor> opened = co_await async_open(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!opened) co_return fail(std::move(opened).error().at(path));
  result<> synced = co_await async_sync(opened->get(), false);
  result<> closed = co_await async_close(std::move(*opened));
  if (!synced) co_return fail(std::move(synced).error().at(path));
  co_return closed;
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace weir::fs
