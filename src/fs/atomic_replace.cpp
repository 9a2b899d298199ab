#include <weir/async/shield.hpp>
#include <weir/fs/atomic_replace.hpp>
#include <weir/fs/paths.hpp>
#include <weir/fs/temporary_file.hpp>

namespace weir::fs {
namespace {

task<result<>> put_in_place(temporary_file& draft, const std::string& path,
                            std::span<const std::byte> content) {
  transfer written = co_await draft.contents().write_all_at(0, content);
  if (!written) co_return fail(written.error());
  result<> synced = co_await draft.contents().sync();
  if (!synced) co_return synced;
  result<> renamed = co_await draft.persist(path);
  if (!renamed) co_return renamed;
  co_return co_await sync_directory(directory_of(path));
}

} // namespace

task<result<>> atomic_replace(std::string path, std::span<const std::byte> content, mode_t permissions) {
  result<temporary_file> draft = co_await temporary_file::create(directory_of(path), permissions);
  if (!draft) co_return fail(std::move(draft).error());
  result<> replaced = co_await put_in_place(*draft, path, content);
  // Its name, if it has it still, and its descriptor go without holding up the loop, cancelled or not.
  result<> cleaned = co_await shield(draft->remove());
  if (!replaced) co_return replaced;
  co_return cleaned;
}

} // namespace weir::fs
