// Two byte streams in memory, joined: what one writes the other reads, a few bytes at a time. For protocols
// over any byte stream, and for what no socket does on demand: pieces of one byte, an end in the middle.
#pragma once

#include <weir/async/event.hpp>
#include <weir/net/byte_stream.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace weir::test {

class memory_stream {
 public:
  struct limits {
    std::size_t piece_bytes = std::numeric_limits<std::size_t>::max(); ///< most that a read or write moves
    std::size_t underway_bytes = std::size_t{4} << 10;                 ///< then writers wait
    std::size_t cut_after_bytes = std::numeric_limits<std::size_t>::max(); ///< there each direction ends
  };

  static std::pair<memory_stream, memory_stream> pair(const limits& bounds) {
    auto one = std::make_shared<channel>(bounds);
    auto other = std::make_shared<channel>(bounds);
    return {memory_stream(one, other), memory_stream(other, one)};
  }
  memory_stream(memory_stream&&) = default;
  memory_stream& operator=(memory_stream&&) = delete;
  ~memory_stream() {
    if (!in_) return;
    out_->end();
    in_->stop();
  }

  task<result<lease>> read() {
    channel& from = *in_;
    while (from.bytes.empty() && !from.has_ended) {
      from.changed.reset();
      result<> woken = co_await from.changed.wait();
      if (!woken) co_return fail(std::move(woken).error());
    }
    const std::size_t count = std::min(from.bytes.size(), from.bounds.piece_bytes);
    lease piece = lease::copy_of(std::as_bytes(std::span(from.bytes).first(count)));
    from.bytes.erase(0, count);
    from.changed.set();
    co_return piece;
  }

  task<result<std::size_t>> write(std::span<const std::byte> bytes) {
    channel& to = *out_;
    while (to.bytes.size() >= to.bounds.underway_bytes && !to.has_stopped) {
      to.changed.reset();
      result<> woken = co_await to.changed.wait();
      if (!woken) co_return fail(std::move(woken).error());
    }
    if (to.has_stopped) co_return fail(std::errc::broken_pipe, "memory_stream");
    const std::size_t room = std::min(to.bounds.piece_bytes, to.bounds.underway_bytes - to.bytes.size());
    const std::size_t count = std::min(bytes.size(), room);
    to.append(bytes.first(count));
    co_return count;
  }

  task<result<>> flush() { co_return result<>(); }
  task<result<>> shutdown() {
    out_->end();
    co_return result<>();
  }
  task<result<>> close() {
    out_->end();
    in_->stop();
    co_return result<>();
  }

  /// All bytes that were written here so far.
  std::size_t written_bytes() const noexcept { return out_->total_bytes; }

 private:
  struct channel {
    explicit channel(const limits& of) : bounds(of) {}

    void append(std::span<const std::byte> more) {
      const std::size_t count = std::min(more.size(), bounds.cut_after_bytes - total_bytes);
      bytes.append(reinterpret_cast<const char*>(more.data()), count);
      total_bytes += count;
      if (total_bytes == bounds.cut_after_bytes) has_ended = true;
      changed.set();
    }
    void end() noexcept {
      has_ended = true;
      changed.set();
    }
    void stop() noexcept {
      has_stopped = true;
      changed.set();
    }

    limits bounds;
    std::string bytes;
    std::size_t total_bytes = 0;
    bool has_ended = false;   ///< nobody writes any more
    bool has_stopped = false; ///< nobody reads any more
    event changed{event_reset::manual};
  };

  memory_stream(std::shared_ptr<channel> in, std::shared_ptr<channel> out)
      : in_(std::move(in)), out_(std::move(out)) {}

  std::shared_ptr<channel> in_;
  std::shared_ptr<channel> out_;
};

static_assert(byte_stream<memory_stream>);

} // namespace weir::test
