#include <weir/async/file_operations.hpp>
#include <weir/fs/send_file.hpp>
#include <weir/os/splice_pipe.hpp>

#include <algorithm>
#include <limits>

namespace weir::fs {
namespace {

error with_path(error why, const file& of) {
  return std::move(why).at(of.path());
}

} // namespace

task<transfer> send_file(int socket, const file& from, std::uint64_t offset, std::size_t bytes) {
  std::size_t sent = 0;
  constexpr std::uint64_t bytes_max = std::numeric_limits<std::int64_t>::max();
  if (offset > bytes_max || bytes > bytes_max - offset) // a negative one would mean the file's cursor
    co_return transfer(sent, with_path(error(std::errc::invalid_argument, "send_file: offset"), from));
  result<splice_pipe> way = splice_pipe::open();
  if (!way) co_return transfer(sent, std::move(way).error());
  while (sent < bytes) {
    const auto at = static_cast<std::int64_t>(offset + sent);
    const auto wanted = static_cast<std::uint32_t>(std::min(bytes - sent, way->capacity_bytes()));
    result<std::size_t> got =
        co_await async_splice(from.native_handle(), at, way->input(), splice_operation::no_offset, wanted);
    if (!got) co_return transfer(sent, with_path(std::move(got).error(), from));
    if (*got == 0) co_return transfer(sent, with_path(error(errc::end_of_stream, "send_file"), from));
    way->filled(*got);
    while (way->held_bytes() > 0) {
      result<std::size_t> moved = co_await way->drain_to(socket);
      if (!moved) co_return transfer(sent, std::move(moved).error());
      sent += *moved;
    }
  }
  co_return transfer(sent);
}

} // namespace weir::fs
