// The engine of a stream: its operations and what they leave behind. It lives on its own after its stream is
// gone until the kernel holds nothing of it any more: then it closes the descriptor and deletes itself.
#pragma once

#include <weir/async/event.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/memory_holder.hpp>
#include <weir/net/inbound.hpp>
#include <weir/net/stream.hpp>

#include <array>

namespace weir {

class stream::core : private memory_holder {
 public:
  core(loop& home, descriptor socket, const stream_options& options) noexcept;

  loop& home() noexcept { return home_; }
  int descriptor_number() const noexcept { return descriptor_; }

  // --- receiving ---
  void start_receiving() noexcept;
  /// For reads that bypass the pool: ends when the receive has ended; what was under way has arrived then.
  task<> receiving_suspended();
  void resume_receiving() noexcept;
  bool is_receiving() const noexcept { return !receive_.is_idle(); }
  /// After unread bytes were taken: goes on receiving below half of the credit.
  void bytes_taken() noexcept;
  /// No more bytes will come.
  bool has_ended() const noexcept { return end_of_file_ || read_error_; }
  const std::optional<error>& read_error() const noexcept { return read_error_; }
  void end_of_file_seen() noexcept { end_of_file_ = true; }
  void reading_failed(const error& why) noexcept { read_error_ = why; }

  inbound unread;
  event arrived{event_reset::manual}; ///< set by every change on the receiving side

  // --- sending ---
  void schedule_send() noexcept;
  bool is_full() const noexcept { return unsent.bytes() >= send_max_bytes_; }
  bool is_drained() const noexcept { return unsent.bytes() <= send_max_bytes_ / 2; }
  std::size_t room_bytes() const noexcept { return send_max_bytes_ - unsent.bytes(); }
  const std::optional<error>& write_error() const noexcept { return write_error_; }
  std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }

  outbound unsent;
  event sent{event_reset::manual}; ///< set by every change on the sending side

  void on_bytes_sent(void (*notify)(void*) noexcept, void* context) noexcept {
    notify_sent_ = notify;
    notify_context_ = context;
  }

  /// Ends everything, then closes the descriptor and deletes itself.
  void abandon() noexcept;
  /// The same, awaited. What is unsent then goes to `rescue`, where given.
  static task<> closed(core* orphan, outbound* rescue);

 private:
  template <class Operation>
  struct owned : Operation {
    template <class... Arguments>
    explicit owned(core& of, Arguments&&... arguments) noexcept
        : Operation(std::forward<Arguments>(arguments)...), owner(of) {}
    core& owner;
  };

  static held_memory report_held(const memory_holder& self);
  void on_received(completion&& what) noexcept;
  void on_receive_ended(int result) noexcept;
  bool is_in_the_way() const noexcept;
  void on_sent(int result) noexcept;
  void send_gathered() noexcept;
  void close_when_idle() noexcept;
  void drop_unread_input() noexcept;

  static constexpr std::size_t vectors_max = 8;

  loop& home_;
  int descriptor_;
  std::size_t send_max_bytes_;
  owned<receive_many_operation> receive_;
  owned<send_gathered_operation> send_;
  owned<close_operation> close_;
  owned<work> end_of_turn_;
  std::array<iovec, vectors_max> vectors_;
  std::uint64_t sent_bytes_ = 0;
  std::optional<error> read_error_;
  std::optional<error> write_error_;
  void (*notify_sent_)(void*) noexcept = nullptr;
  void* notify_context_ = nullptr;
  event* closed_ = nullptr;
  outbound* rescue_ = nullptr;
  bool paused_ = false; ///< at the credit, or suspended: the end of the receive is no news
  bool suspended_ = false;
  bool end_of_file_ = false;
  bool send_scheduled_ = false;
  bool abandoned_ = false;
};

} // namespace weir
