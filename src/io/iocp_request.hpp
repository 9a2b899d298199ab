// iocp_request: one request with the kernel. Operations have no room for what the kernel writes while it
// works on one, so there are records, made in chunks and used again.
//
// Lifetime: from `take` until its answer was dequeued; operations may be gone before (`op` is null then).
// Bound: one for each operation that the kernel carries out, one for each descriptor whose readiness is
// watched, and those that were called off and not answered yet. Thread rule: the loop's thread.
#pragma once

#include "afd_poll.hpp"

#include <weir/base/intrusive.hpp>
#include <weir/io/operation.hpp>
#include <weir/io/platform/sockets.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace weir {

class iocp_port;

struct iocp_request {
  /// Watches are of sockets, or as they are named.
  enum class purpose : std::uint8_t {
    watch,
    watch_pipe,
    watch_object,
    readable,
    accept,
    connect,
    send,
    transfer
  };

  OVERLAPPED overlapped{}; ///< first: packets name it
  iocp_request* next = nullptr;
  operation* op = nullptr; ///< null: a watch, or nobody wants the answer any more
  int number = -1;         ///< of the descriptor
  purpose what = purpose::watch;
  bool is_pending = false; ///< the kernel has it

  afd_poll_info poll{}; ///< of a watch of a socket

  // Of a watch of an object (iocp_handles.hpp).
  HANDLE object = nullptr;
  HANDLE wait = nullptr; ///< which a thread of the system keeps
  iocp_port* port = nullptr;
  std::atomic<bool> is_told{false}; ///< its packet is there

  int accepted = -1; ///< of an accept: the socket that becomes the connection
  int family = 0;    ///< of the listener
  /// Of an accept: where the kernel puts both addresses, each with the 16 bytes more that it wants.
  static constexpr DWORD address_bytes = sizeof(sockaddr_in6) + 16;
  std::array<std::byte, std::size_t{2} * address_bytes> addresses{};

  bool is_watch() const noexcept { return what <= purpose::watch_object; }
  /// A count of bytes or 0, or -errno.
  int result() const noexcept {
    const int outcome = result_of_status(overlapped.Internal);
    return outcome == 0 ? static_cast<int>(overlapped.InternalHigh) : outcome;
  }
};

class iocp_requests {
 public:
  /// Null when there is no memory.
  iocp_request* take(iocp_request::purpose what, int number, operation* op) noexcept {
    if (free_.empty() && !make_more()) return nullptr;
    iocp_request& taken = *free_.pop_front();
    taken.overlapped = OVERLAPPED{};
    taken.what = what;
    taken.number = number;
    taken.op = op;
    return &taken;
  }
  void give_back(iocp_request& answered) noexcept {
    answered.op = nullptr;
    answered.accepted = -1;
    free_.push_back(answered);
  }

  void note_pending(iocp_request& given) noexcept {
    given.is_pending = true;
    ++pending_;
  }
  void note_answered(iocp_request& answered) noexcept {
    answered.is_pending = false;
    --pending_;
  }
  std::size_t pending() const noexcept { return pending_; }

  template <class Visitor>
  void for_each(Visitor&& visit) {
    for (const auto& each : chunks_)
      for (iocp_request& request : *each) visit(request);
  }
  /// The kernel may write to them for ever.
  void leak() noexcept {
    for (auto& each : chunks_) each.release();
  }

 private:
  static constexpr std::size_t chunk_requests = 32;
  using chunk = std::array<iocp_request, chunk_requests>;

  bool make_more() noexcept {
    try {
      chunks_.push_back(std::make_unique<chunk>());
    } catch (const std::bad_alloc&) {
      return false;
    }
    for (iocp_request& each : *chunks_.back()) free_.push_back(each);
    return true;
  }

  std::vector<std::unique_ptr<chunk>> chunks_;
  intrusive_queue<iocp_request, &iocp_request::next> free_;
  std::size_t pending_ = 0;
};

} // namespace weir
