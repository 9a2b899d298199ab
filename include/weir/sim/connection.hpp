// connection: two ways between two stream sockets, each with its bytes, its end and its reset, as TCP or a
// unix-domain socket has them.
//
// Bytes arrive in order, a segment at a time, after as long as the network takes; room comes back to a sender
// when the receiver's acknowledgement has. What is under way when a connection is reset is lost, what has
// arrived is read first. A side whose socket was closed with everything read ends with its bytes; with
// something unread, or by a linger time of zero, with a reset. Where the way is parted or the other host is
// down, segments are sent again after 200 ms, then after twice as long, and so on; after 15 minutes the
// connection is broken (ETIMEDOUT). A host that has lost its memory answers with a reset.
//
// In the unix domain descriptors go with bytes (SCM_RIGHTS): whoever reads the first of these has them. Left
// out: descriptors that hold each other open on their way.
//
// Lifetime: of the sockets of its two sides; the one that goes last deletes it. Thread rule: the world's
// thread. Bound: the two buffers of each way.
#pragma once

#include <weir/base/ring.hpp>
#include <weir/sim/byte_pipe.hpp>
#include <weir/sim/event_queue.hpp>
#include <weir/sim/passed_files.hpp>

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace weir::sim {

class host;
class stream_socket;
class world;

class connection {
 public:
  /// What each side brings.
  struct party {
    host* at;
    stream_socket* socket;
    std::size_t send_bytes_max;
    std::size_t receive_bytes_max;
  };
  connection(world& in, bool is_local, const party& first, const party& second);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  std::uint64_t number() const noexcept { return number_; }
  /// Nothing arrives at `side` before: it does not know that it is connected yet.
  void hears_from(unsigned side, std::uint64_t time_ns) noexcept { ways_[1 - side].free_at_ns = time_ns; }

  // What a socket does. `side` is its own.
  int send(unsigned side, const msghdr& what) noexcept;
  int receive(unsigned side, msghdr& into, int flags) noexcept;
  int shutdown(unsigned side, int how) noexcept;
  void close(unsigned side, bool is_reset) noexcept;
  /// Its host has crashed: no end, no reset.
  void vanish(unsigned side) noexcept;
  int take_error(unsigned side) noexcept;
  std::uint32_t readiness(unsigned side) const noexcept;
  std::size_t unread_bytes(unsigned side) const noexcept { return ways_[1 - side].bytes.unread(); }
  std::size_t unsent_bytes(unsigned side) const noexcept;

 private:
  /// From one side to the other.
  struct way {
    explicit way(connection& of, unsigned from_side) noexcept;

    connection& owner;
    unsigned from;
    byte_pipe bytes;
    struct segment {
      std::uint64_t end; ///< in the count of the pipe's bytes
      std::uint64_t at_ns;
    };
    ring<segment> under_way;
    /// In the unix domain: files that go with bytes, which are read with none behind them.
    struct passing {
      std::uint64_t begin; ///< in the count of the pipe's bytes
      std::uint64_t end;
      std::vector<passed_file> files;
    };
    std::deque<passing> passed;
    std::uint64_t free_at_ns = 0; ///< bytes stay in order
    std::uint64_t link_free_at_ns = 0;
    bool is_ending = false;  ///< the sender will send no more
    bool has_ended = false;  ///< its receiver knows
    bool is_refused = false; ///< its receiver reads no more: SHUT_RD
    bool is_black_hole = false;
    std::uint64_t silent_since_ns = 0; ///< 0: it is not
    std::uint64_t retry_ns = 0;

    struct way_event : timed_event {
      way_event(way& on, function what) noexcept : timed_event(what), of(on) {}
      way& of;
    };
    way_event arrival;
    way_event credit;
    way_event reset;
  };
  struct side_state {
    party what;
    std::uint32_t life;
    int error = 0;         ///< reported once
    int error_to_come = 0; ///< of a reset that is under way to it
    bool is_reset = false;
    bool has_vanished = false;
  };

  int take_files(way& which, const msghdr& from, std::size_t bytes);
  void give_files(way& which, msghdr& into, std::size_t control_room) noexcept;
  bool is_within_host() const noexcept { return sides_[0].what.at == sides_[1].what.at; }
  void start_way(way& which, std::size_t bytes) noexcept;
  void schedule_end(way& which) noexcept;
  void arrive(way& which) noexcept;
  void try_again(way& which) noexcept;
  void end_way(way& which) noexcept;
  void credit_way(way& which) noexcept;
  void send_reset(unsigned side, int error) noexcept;
  void reset_arrives(way& which) noexcept;
  void break_side(unsigned side, int error) noexcept;
  void meet_faults(way& which) noexcept;
  void tell(unsigned side) noexcept;
  void delete_when_alone() noexcept;

  world& world_;
  std::uint64_t number_;
  bool is_local_;
  std::array<side_state, 2> sides_;
  std::array<way, 2> ways_;
};

} // namespace weir::sim
