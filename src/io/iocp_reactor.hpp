// iocp_reactor: readiness on a completion port: each watch is one request, to the driver of sockets
// (afd_poll.hpp) or as its handle wants it (iocp_handles.hpp), its answer one packet. Packets of other
// requests are kept for who made them.
//
// One-shot: a report ends the watch. Thread rule: everything but `wake` belongs to the loop's thread. Bound:
// one request a descriptor, and those that were called off and not answered yet; 8 bytes for each descriptor
// number watched so far. Lifetime: its end waits for the answers of all that is with the kernel.
#pragma once

#include "afd_poll.hpp"
#include "iocp_port.hpp"
#include "iocp_request.hpp"

#include <weir/io/reactor.hpp>

#include <memory>
#include <vector>

namespace weir {

class iocp_reactor final : public reactor {
 public:
  static result<std::unique_ptr<iocp_reactor>> create(loop_counters& counters);
  ~iocp_reactor() override;

  int watch(int descriptor, readiness interest) noexcept override;
  std::span<const ready_event> wait(std::uint64_t timeout_ns) noexcept override;
  void wake() noexcept override { port_->wake(); }
  std::string_view name() const noexcept override { return "iocp"; }
  bool is_one_shot() const noexcept override { return true; }

  // Requests of others.
  iocp_port& port() noexcept { return *port_; }
  iocp_requests& requests() noexcept { return requests_; }
  /// It was answered by the call that made it, or needs no call: no packet comes.
  void push_answered(iocp_request& request) noexcept { answered_.push_back(request); }
  /// The oldest that was answered; null when there is none.
  iocp_request* pop_answered() noexcept { return answered_.pop_front(); }

 private:
  iocp_reactor(std::unique_ptr<iocp_port> port, std::unique_ptr<afd_device> device,
               loop_counters& counters) noexcept
      : port_(std::move(port)), device_(std::move(device)), counters_(counters) {}
  iocp_request** place_of(int descriptor) noexcept;
  void call_off(iocp_request*& watched) noexcept;
  void end(iocp_request& pending) noexcept;
  void take(iocp_request& answered) noexcept;
  void take_watch(iocp_request& answered) noexcept;

  std::unique_ptr<iocp_port> port_;
  std::unique_ptr<afd_device> device_;
  loop_counters& counters_;
  iocp_requests requests_;
  intrusive_queue<iocp_request, &iocp_request::next> answered_; ///< not watches
  std::vector<iocp_request*> watches_;                          ///< by descriptor; null: not watched
  std::vector<ready_event> ready_;
};

} // namespace weir
