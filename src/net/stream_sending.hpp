// The part of a stream that sends: what is unsent, and the operation under way. One call a turn sends all
// that was written in it.
//
// Comes from the free lists of frame_pool: a stream that sends now and then allocates nothing in steady
// state, one that is idle holds none.
#pragma once

#include <weir/async/frame_pool.hpp>
#include <weir/io/loop.hpp>
#include <weir/net/outbound.hpp>

#include <array>
#include <cstddef>

namespace weir {

class stream_sending : public pooled_frame, private send_gathered_operation, private work {
 public:
  using sent_function = void (*)(void* context, int result) noexcept;

  /// `on_sent` runs with `context` when an operation has ended, and may destroy this.
  stream_sending(loop& home, int socket, sent_function on_sent, void* context) noexcept;

  /// At the end of the turn, unless something is under way already.
  void schedule() noexcept;
  /// Scheduled, or with the kernel: it must stay.
  bool is_under_way() const noexcept { return is_scheduled_ || !send_gathered_operation::is_idle(); }
  /// Sends no more: what is under way ends soon, and `on_sent` tells.
  void cancel() noexcept;

  outbound unsent;

 private:
  void start() noexcept;

  static constexpr std::size_t vectors_max = 8;

  loop& home_;
  sent_function on_sent_;
  void* context_;
  std::array<iovec, vectors_max> vectors_;
  bool is_scheduled_ = false;
  bool is_cancelled_ = false;
};

} // namespace weir
