#include "disk_file.hpp"

#include <weir/sim/pipe.hpp>

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

namespace weir::sim {
namespace {

constexpr std::size_t pipe_capacity_bytes = 65'536; // pipe(7)
constexpr std::size_t splice_chunk_bytes = 16'384;

} // namespace

struct pipe_end::body {
  byte_pipe bytes;
  pipe_end* reader = nullptr; ///< null: closed
  pipe_end* writer = nullptr;
};

pipe_end::ends pipe_end::make() {
  auto shared = std::make_shared<body>();
  shared->bytes.open(pipe_capacity_bytes);
  shared->reader = new pipe_end(shared, true);
  shared->writer = new pipe_end(shared, false);
  return {file_ref(shared->reader), file_ref(shared->writer)};
}

pipe_end::pipe_end(std::shared_ptr<body> of, bool is_reader) noexcept
    : body_(std::move(of)), is_reader_(is_reader) {
  status_flags = is_reader ? O_RDONLY : O_WRONLY;
}

pipe_end::~pipe_end() {
  pipe_end::closed();
}

void pipe_end::closed() noexcept {
  (is_reader_ ? body_->reader : body_->writer) = nullptr;
  if (pipe_end* const other = is_reader_ ? body_->writer : body_->reader) other->changed();
}

std::uint32_t pipe_end::readiness() const noexcept {
  std::uint32_t seen = 0;
  if (is_reader_) {
    if (body_->bytes.unread() > 0) seen |= POLLIN;
    if (!body_->writer) seen |= POLLHUP;
  } else {
    if (body_->bytes.room() >= PIPE_BUF || !body_->reader) seen |= POLLOUT;
    if (!body_->reader) seen |= POLLERR;
  }
  return seen;
}

std::size_t pipe_end::capacity() const noexcept {
  return body_->bytes.capacity();
}

int pipe_end::set_capacity(std::size_t bytes) {
  const std::size_t granted = std::max<std::size_t>(bytes, PIPE_BUF);
  if (!body_->bytes.set_capacity(granted)) return -EBUSY;
  if (body_->writer) body_->writer->changed();
  return static_cast<int>(granted);
}

std::size_t pipe_end::room() const noexcept {
  return body_->reader ? body_->bytes.room() : 0;
}

int pipe_end::take(std::span<std::byte> into, bool is_peek) {
  if (!is_reader_) return -EBADF;
  const std::size_t most = std::min(into.size(), body_->bytes.unread());
  if (most == 0) return into.empty() || !body_->writer ? 0 : -EAGAIN;
  const iovec piece{into.data(), most};
  body_->bytes.read(std::span(&piece, 1), most, is_peek);
  if (!is_peek) {
    body_->bytes.credit();
    if (body_->writer) body_->writer->changed();
  }
  return static_cast<int>(most);
}

int pipe_end::put(std::span<const std::byte> from) {
  if (is_reader_) return -EBADF;
  if (!body_->reader) return -EPIPE;
  const std::size_t most = std::min(from.size(), room());
  if (most == 0) return from.empty() ? 0 : -EAGAIN;
  const iovec piece{const_cast<std::byte*>(from.data()), most}; // writing only reads it
  body_->bytes.write(std::span(&piece, 1), most);
  body_->bytes.arrive(body_->bytes.written());
  body_->reader->changed();
  return static_cast<int>(most);
}

int pipe_end::write(std::span<const std::byte> from) {
  const bool is_whole = from.size() <= PIPE_BUF;
  if (is_whole && !is_reader_ && body_->reader && room() < from.size()) return -EAGAIN;
  return put(from);
}

// --- splice ---

namespace {

/// What lies there; it stays until `drop` if this is a pipe.
std::int64_t look(disk& storage, const splice_side& from, std::size_t done, std::span<std::byte> into) {
  const iovec piece{into.data(), into.size()};
  if (auto* const pipe = dynamic_cast<pipe_end*>(&from.what)) return pipe->take(into, true);
  if (auto* const of_disk = dynamic_cast<disk_file*>(&from.what)) {
    if (from.offset < 0) return -EINVAL; // where a file stands is not kept
    return storage.read_at(*of_disk->opened, static_cast<std::uint64_t>(from.offset) + done,
                           std::span(&piece, 1));
  }
  msghdr header{};
  header.msg_iov = const_cast<iovec*>(&piece);
  header.msg_iovlen = 1;
  return from.what.receive(header, 0);
}

std::int64_t hand_on(disk& storage, const splice_side& to, std::size_t done, std::span<std::byte> bytes) {
  const iovec piece{bytes.data(), bytes.size()};
  if (auto* const pipe = dynamic_cast<pipe_end*>(&to.what)) return pipe->put(bytes);
  if (auto* const of_disk = dynamic_cast<disk_file*>(&to.what)) {
    if (to.offset < 0) return -EINVAL;
    return storage.write_at(*of_disk->opened, static_cast<std::uint64_t>(to.offset) + done,
                            std::span(&piece, 1));
  }
  msghdr header{};
  header.msg_iov = const_cast<iovec*>(&piece);
  header.msg_iovlen = 1;
  return to.what.send(header, MSG_NOSIGNAL);
}

/// One piece: how much was moved, or why nothing.
std::int64_t splice_piece(disk& storage, const splice_side& from, const splice_side& to, std::size_t done,
                          std::size_t most) {
  std::array<std::byte, splice_chunk_bytes> memory;
  most = std::min(most, memory.size());
  auto* const source = dynamic_cast<pipe_end*>(&from.what);
  auto* const target = dynamic_cast<pipe_end*>(&to.what);
  if (target) { // nothing is taken that finds no room
    if (const int refused = target->put({}); refused < 0) return refused;
    if (target->room() == 0) return -EAGAIN;
    most = std::min(most, target->room());
  }
  const std::int64_t got = look(storage, from, done, std::span(memory).first(most));
  if (got <= 0) return got;
  const std::int64_t put = hand_on(storage, to, done, std::span(memory).first(static_cast<std::size_t>(got)));
  if (put > 0 && source) source->take(std::span(memory).first(static_cast<std::size_t>(put)), false);
  return put;
}

} // namespace

std::int64_t splice(disk& storage, splice_side from, splice_side to, std::size_t bytes) {
  if (!dynamic_cast<pipe_end*>(&from.what) && !dynamic_cast<pipe_end*>(&to.what)) return -EINVAL;
  std::size_t done = 0;
  while (done < bytes) {
    const std::int64_t moved = splice_piece(storage, from, to, done, bytes - done);
    if (moved <= 0) return done > 0 ? static_cast<std::int64_t>(done) : moved;
    done += static_cast<std::size_t>(moved);
  }
  return static_cast<std::int64_t>(done);
}

} // namespace weir::sim
