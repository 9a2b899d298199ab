#include <weir/async/file_operations.hpp>
#include <weir/async/offload.hpp>
#include <weir/fs/directory.hpp>
#include <weir/io/system_calls.hpp>

#include <dirent.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace weir::fs {
namespace {

file_kind kind_of_entry(unsigned char type) noexcept {
  switch (type) {
  case DT_REG:
    return file_kind::regular;
  case DT_DIR:
    return file_kind::directory;
  case DT_LNK:
    return file_kind::link;
  case DT_FIFO:
    return file_kind::fifo;
  case DT_SOCK:
    return file_kind::socket;
  case DT_CHR:
    return file_kind::character;
  case DT_BLK:
    return file_kind::block;
  default:
    return file_kind::unknown;
  }
}

std::vector<directory_entry> entries_in(std::span<const std::byte> records) {
  std::vector<directory_entry> found;
  while (!records.empty()) {
    const auto* record = reinterpret_cast<const dirent64*>(records.data());
    const std::string_view name = record->d_name;
    if (name != "." && name != "..")
      found.emplace_back(std::string(name), kind_of_entry(record->d_type), record->d_ino);
    records = records.subspan(record->d_reclen);
  }
  return found;
}

} // namespace

struct directory::buffer {
  std::size_t filled = 0; ///< what was read and not told
  alignas(dirent64) std::array<std::byte, 32768> bytes;
};

void directory::release::operator()(buffer* memory) const noexcept {
  delete memory;
}

directory::directory(descriptor opened, std::string path)
    : opened_(std::move(opened)), path_(std::move(path)), buffer_(new buffer) {}

task<result<directory>> directory::open(std::string path) {
  result<descriptor> opened = co_await async_open(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!opened) co_return fail(std::move(opened).error().at(path));
  co_return directory(std::move(*opened), std::move(path));
}

task<result<std::vector<directory_entry>>> directory::next_batch() {
  auto read = [number = opened_.get(), memory = buffer_.get()]() -> result<std::size_t> {
    const ssize_t got = calls().getdents64(number, memory->bytes.data(), memory->bytes.size());
    if (got < 0 && errno == ENOENT) return std::size_t{0}; // it was removed meanwhile, so it holds none
    if (got < 0) return fail(error::from_errno(errno, "getdents64"));
    memory->filled = static_cast<std::size_t>(got);
    return memory->filled;
  };
  for (;;) {
    result<std::size_t> got = buffer_->filled;
    if (*got == 0) got = co_await offload(pool_class::disk, read);
    if (!got) co_return fail(std::move(got).error().at(path_));
    auto found = entries_in(std::span<const std::byte>(buffer_->bytes).first(*got));
    buffer_->filled = 0;
    if (!found.empty() || *got == 0) co_return std::move(found);
  }
}

async_generator<result<directory_entry>> directory::entries() {
  for (;;) {
    result<std::vector<directory_entry>> batch = co_await next_batch();
    if (!batch) {
      result<directory_entry> why = fail(std::move(batch).error());
      co_yield std::move(why);
      co_return;
    }
    if (batch->empty()) co_return;
    for (directory_entry& each : *batch) {
      result<directory_entry> next(std::move(each));
      result<> wanted = co_yield std::move(next);
      if (!wanted) co_return;
    }
  }
}

} // namespace weir::fs
