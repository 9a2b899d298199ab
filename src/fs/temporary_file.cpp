#include <weir/fs/paths.hpp>
#include <weir/fs/temporary_file.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/system_calls.hpp>

#include <unistd.h>

#include <string_view>

namespace weir::fs {
namespace {

/// Of 2^60 names hardly one is taken.
constexpr int attempts_max = 10;

std::string unlikely_name() {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567";
  std::string name = ".weir-";
  std::uint64_t bits = loop::current()->random();
  for (int i = 0; i < 12; ++i, bits >>= 5) name += letters[bits % letters.size()];
  return name;
}

} // namespace

temporary_file& temporary_file::operator=(temporary_file&& other) noexcept {
  if (this != &other) {
    if (!path_.empty()) calls().unlink(path_.c_str());
    contents_ = std::move(other.contents_);
    path_ = std::exchange(other.path_, std::string());
  }
  return *this;
}

temporary_file::~temporary_file() {
  if (!path_.empty()) calls().unlink(path_.c_str());
}

task<result<temporary_file>> temporary_file::create(std::string directory, mode_t permissions) {
  const auto options =
      open_options(access::read_write).creating(creation::always_new).permissions(permissions);
  for (int attempt = 1;; ++attempt) {
    std::string path = directory + "/" + unlikely_name();
    result<file> made = co_await file::open(path, options);
    if (made) co_return temporary_file(std::move(*made), std::move(path));
    if (attempt == attempts_max || made.error() != std::errc::file_exists)
      co_return fail(std::move(made).error());
  }
}

task<result<>> temporary_file::persist(std::string as) {
  result<> renamed = co_await rename(path_, std::move(as));
  if (renamed) path_.clear();
  co_return renamed;
}

task<result<>> temporary_file::remove() {
  result<> removed;
  if (!path_.empty()) removed = co_await remove_file(path_);
  if (removed) path_.clear();
  if (contents_) {
    result<> closed = co_await contents_.close();
    if (removed) removed = closed;
  }
  co_return removed;
}

} // namespace weir::fs
