// The engine of a datagram socket: its receive, which is always pending, and the queue of what it brought. It
// lives on its own after its socket is gone until neither the kernel nor a sender holds anything of it; then
// it closes the descriptor and deletes itself.
//
// Memory: while the reader keeps up a datagram stays in the slot in which it arrived. While others wait in
// front of it, a small one is copied behind them, so that a queue of small datagrams pins a few slots and not
// one each.
#pragma once

#include <weir/async/event.hpp>
#include <weir/async/task.hpp>
#include <weir/base/ring.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/memory_holder.hpp>
#include <weir/io/message_operations.hpp>
#include <weir/net/datagram.hpp>

#include <cstddef>
#include <optional>
#include <vector>

namespace weir {

/// What arrived and waits to be read.
struct queued_message {
  queued_message() = default;
  explicit queued_message(lease message) noexcept : raw(std::move(message)) {}

  lease raw; ///< as message_view reads it
  std::vector<descriptor> descriptors;
  bool were_descriptors_lost = false;
  std::size_t given_out_bytes = 0; ///< where the kernel has joined several datagrams
};

struct datagram_core_options {
  std::size_t queue_max;
  when_queue_is_full at_bound;
  std::size_t control_bytes_max;
  std::size_t descriptors_max;
};

class datagram_core : private memory_holder, private work {
 public:
  datagram_core(loop& home, descriptor socket, const datagram_core_options& options);

  int descriptor_number() const noexcept { return descriptor_; }
  std::size_t control_room_bytes() const noexcept { return control_.size() * sizeof(std::uint64_t); }
  message_view view_of(const queued_message& message) const noexcept {
    return {message.raw, control_room_bytes()};
  }

  // --- receiving ---
  void start_receiving() noexcept;
  /// Waits until something can be taken, or reports an error once; the socket goes on behind it.
  task<result<void>> readable();
  bool empty() const noexcept { return queue_.empty(); }
  queued_message& front() noexcept { return queue_.front(); }
  /// Takes the oldest; precondition: not empty.
  queued_message take() noexcept;
  datagram_losses losses() const noexcept;

  // --- sending ---
  /// Keeps the descriptor open while a send is under way.
  class send_guard {
   public:
    explicit send_guard(datagram_core& of) noexcept : core_(of) { ++core_.sends_; }
    ~send_guard() {
      --core_.sends_;
      if (core_.abandoned_) core_.close_when_idle();
    }
    send_guard(const send_guard&) = delete;
    send_guard& operator=(const send_guard&) = delete;

   private:
    datagram_core& core_;
  };

  void abandon() noexcept;

 private:
  template <class Operation>
  struct owned : Operation {
    template <class... Arguments>
    explicit owned(datagram_core& of, Arguments&&... arguments) noexcept
        : Operation(std::forward<Arguments>(arguments)...), owner(of) {}
    datagram_core& owner;
  };

  static held_memory report_held(const memory_holder& self);
  void on_message(completion&& what) noexcept;
  void on_receive_ended(int result) noexcept;
  void pause() noexcept;
  void go_on_when_possible() noexcept;
  void await_no_slots() noexcept;
  void keep(queued_message&& message) noexcept;
  lease packed(lease&& raw) noexcept;
  void close_when_idle() noexcept;

  loop& home_;
  int descriptor_;
  datagram_core_options options_;
  std::vector<std::uint64_t> control_;
  owned<receive_message_many_operation> receive_;
  owned<close_operation> close_;
  ring<queued_message> queue_;
  slot_account slots_; ///< of what was received here
  lease pack_;         ///< a slot that small datagrams share
  std::byte* pack_memory_ = nullptr;
  std::size_t packed_bytes_ = 0;
  event arrived_{event_reset::manual};
  std::optional<error> failure_; ///< reported once, then receiving goes on
  std::uint64_t dropped_ = 0;
  std::size_t sends_ = 0;
  bool paused_ = false;
  bool awaits_slots_ = false; ///< paused over its share: this work looks again when slots return
  bool abandoned_ = false;
};

} // namespace weir
