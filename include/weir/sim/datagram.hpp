// datagram: a message on its way between two simulated sockets, and the pool from which a world has them.
//
// Thread rule: the world's thread. Lifetime: the pool's; one that nobody holds any more goes back. Bound: the
// pool keeps what it has grown to.
#pragma once

#include <weir/sim/event_queue.hpp>
#include <weir/sim/passed_files.hpp>
#include <weir/sim/socket_address.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace weir::sim {

class datagram_pool;
class host;

class datagram : public timed_event {
 public:
  datagram(datagram_pool& of, function on_time) noexcept : timed_event(on_time), pool(of) {}

  datagram_pool& pool;
  std::uint64_t number = 0;
  host* sent_by = nullptr;
  std::uint32_t life = 0; ///< of the sender
  host* sent_to = nullptr;
  socket_address from;
  socket_address to;
  std::vector<std::byte> bytes;   ///< keeps its memory
  std::vector<passed_file> files; ///< in the unix domain: SCM_RIGHTS
};

class datagram_pool {
 public:
  datagram_pool() = default;
  datagram_pool(const datagram_pool&) = delete;
  datagram_pool& operator=(const datagram_pool&) = delete;

  datagram& take();
  void give_back(datagram& unused) noexcept { idle_.push_back(&unused); }
  template <class Visitor>
  void for_each(Visitor&& visit) {
    for (auto& each : all_) visit(*each);
  }

 private:
  std::vector<std::unique_ptr<datagram>> all_;
  std::vector<datagram*> idle_;
};

} // namespace weir::sim
