// The engine of a stream: its operations and what they leave behind. It lives on its own after its stream is
// gone until the kernel holds nothing of it any more: then it closes the descriptor and deletes itself.
//
// Many streams are idle, so an idle one is small (docs/limits.md says how much): what only a stream that
// sends needs stands in a part of its own, made when something is written and gone when it is sent; what
// waits for slots, and the operation that closes, take the place of the one that receives.
#pragma once

#include "stream_sending.hpp"

#include <weir/async/event.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/memory_holder.hpp>
#include <weir/net/inbound.hpp>
#include <weir/net/stream.hpp>

#include <memory>

namespace weir {

class stream::core : private memory_holder {
 public:
  core(loop& home, descriptor socket, const stream_options& options) noexcept;
  ~core();

  loop& home() noexcept { return home_; }
  int descriptor_number() const noexcept { return descriptor_; }

  // --- receiving ---
  void start_receiving() noexcept;
  /// For reads that bypass the pool: ends when the receive has ended; what was under way has arrived then.
  task<> receiving_suspended();
  void resume_receiving() noexcept;
  bool is_receiving() const noexcept { return !closing_ && !awaits_slots_ && !receive_.is_idle(); }
  /// After unread bytes were taken: goes on receiving below half of the credit.
  void bytes_taken() noexcept;
  /// No more bytes will come.
  bool has_ended() const noexcept { return end_of_file_ || has_read_error(); }
  bool has_read_error() const noexcept { return read_errno_ != 0; }
  error read_error() const noexcept { return error::from_errno(read_errno_, "receive"); }
  /// Where we have cut the connection it looks like the peer's end, and is none.
  void end_of_file_seen() noexcept {
    if (is_cut_)
      read_errno_ = write_errno_;
    else
      end_of_file_ = true;
  }
  void reading_failed(const error& why) noexcept { read_errno_ = why.code().value(); }

  bool must_wait_for_bytes() const noexcept { return unread.empty() && !has_ended(); }
  arrival_awaiter next_arrival() noexcept {
    arrived.reset();
    return arrival_awaiter(arrived);
  }

  inbound unread;
  event arrived{event_reset::manual}; ///< set by every change on the receiving side

  // --- sending ---
  /// What is to be sent; made where there is nothing yet. Throws std::bad_alloc.
  outbound& unsent();
  /// The same for one who keeps the reference: it stays as long as the stream.
  outbound& lasting_unsent();
  std::size_t unsent_bytes() const noexcept { return sending_ ? sending_->unsent.bytes() : 0; }
  void schedule_send() noexcept;
  bool is_full() const noexcept { return unsent_bytes() >= send_max_bytes_; }
  bool is_drained() const noexcept { return unsent_bytes() <= send_max_bytes_ / 2; }
  std::size_t room_bytes() const noexcept { return send_max_bytes_ - unsent_bytes(); }
  bool has_write_error() const noexcept { return write_errno_ != 0; }
  error write_error() const noexcept { return error::from_errno(write_errno_, "send"); }
  std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }

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
  void make_receive() noexcept;
  void on_received(completion&& what) noexcept;
  void on_receive_ended(int result) noexcept;
  bool is_in_the_way() const noexcept;
  bool must_pause() const noexcept;
  void await_slots() noexcept;
  void await_no_slots() noexcept;
  void wait_ended() noexcept;
  void on_sent(int result) noexcept;
  void end_writing(int reason) noexcept;
  void close_when_idle() noexcept;
  void drop_unread_input() noexcept;

  bool is_sending() const noexcept { return sending_ && sending_->is_under_way(); }

  /// Looks again when slots return.
  struct slot_wait : work {
    explicit slot_wait(core& of) noexcept;
    core& owner;
    std::uint64_t since_ns;
  };

  loop& home_;
  std::uint32_t send_max_bytes_;
  slot_account slots_; ///< of what was received here
  union {
    owned<receive_many_operation> receive_; ///< until it is time to close
    slot_wait wait_;                        ///< while awaits_slots_
    owned<close_operation> close_;          ///< from closing_ on
  };
  std::unique_ptr<stream_sending> sending_; ///< null while nothing is unsent
  std::uint64_t sent_bytes_ = 0;
  void (*notify_sent_)(void*) noexcept = nullptr;
  void* notify_context_ = nullptr;
  event* closed_ = nullptr;
  outbound* rescue_ = nullptr;
  int descriptor_;
  int read_errno_ = 0;
  int write_errno_ = 0;
  bool paused_ : 1 = false; ///< at the credit, or suspended: the end of the receive is no news
  bool suspended_ : 1 = false;
  bool end_of_file_ : 1 = false;
  bool is_cut_ : 1 = false; ///< by us, because of a send that failed
  bool abandoned_ : 1 = false;
  bool closing_ : 1 = false;       ///< close_ has taken the place of receive_
  bool awaits_slots_ : 1 = false;  ///< paused over its share: wait_ has taken the place of receive_
  bool keeps_sending_ : 1 = false; ///< somebody holds a reference to what is unsent
};

} // namespace weir
