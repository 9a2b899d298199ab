// trace: what happened in a simulated world. A running 64-bit hash of all of it, which two runs of one seed
// must share, and the last events in words for whoever reads a report.
//
// Nothing that differs between builds may be noted: no addresses, no real time, no order of a hashed
// container. Thread rule: one thread. Bound: the last 256 events in place, no allocation; `keep_in` stores
// all of them in the caller's vector, for timelines.
#pragma once

#include <weir/sim/fault.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sim {

/// What the three numbers of a record say. `subject` is the number of a connection, a datagram, an operation
/// or a file within the world.
enum class event : std::uint8_t {
  phase,            ///< a: 0 safety, 1 liveness, 2 the end
  turn,             ///< a loop had a turn
  started,          ///< an operation; a: its kind
  completed,        ///< an operation; a: its kind, b: its result as an unsigned number
  cancelled,        ///< cancellation was asked for; a: the operation's kind
  connecting,       ///< a: to which host
  connected,        ///< a: with which host
  accepted,         ///< a: from which host
  sent,             ///< bytes of a stream left; a: to which host, b: how many
  arrived,          ///< bytes of a stream arrived; a: from which host, b: how many
  ended,            ///< the peer's side of a stream ended; a: which host's
  reset,            ///< a connection was reset; a: by which host
  closed,           ///< a descriptor was closed
  datagram_sent,    ///< a: to which host, b: bytes
  datagram_arrived, ///< a: from which host, b: bytes
  file_written,     ///< a: offset, b: bytes
  file_read,        ///< a: offset, b: bytes
  file_synced,
  file_changed, ///< opened, made, renamed or removed; a: the kind of the operation
  pool_work,    ///< blocking work ran; a: its class
  host_started, ///< a: how often before
  host_crashed,
  asked_to_end,  ///< a program was
  signal_raised, ///< a: its number
  partitioned,   ///< a: from which host
  healed,        ///< a: from which host
  clock_jumped,  ///< a: by how many nanoseconds, as a signed number
  fault,         ///< a: the kind (fault.hpp), b: how many before it, of all kinds
  note,          ///< of a scenario: what it says itself
};
inline constexpr std::size_t event_count = static_cast<std::size_t>(event::note) + 1;
std::string_view name_of(event what) noexcept;

struct trace_record {
  std::uint64_t time_ns = 0; ///< virtual
  std::uint64_t subject = 0;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint32_t host = 0; ///< 0: the world; hosts are numbered from 1
  event what = event::note;

  friend bool operator==(const trace_record&, const trace_record&) = default;
};

/// "     1.234567 ms  host 2  arrived   #17  from host 1, 512 bytes"
std::string describe(const trace_record& record);

class trace {
 public:
  static constexpr std::size_t kept_max = 256;

  /// The virtual time of what is noted from now on.
  void at(std::uint64_t now_ns) noexcept { now_ns_ = now_ns; }
  std::uint64_t now_ns() const noexcept { return now_ns_; }

  void note(event what, std::uint32_t host, std::uint64_t subject = 0, std::uint64_t a = 0,
            std::uint64_t b = 0) noexcept;

  std::uint64_t hash() const noexcept { return hash_; }
  std::uint64_t events() const noexcept { return events_; }

  /// The last of them, at most `most`, oldest first.
  std::vector<trace_record> last(std::size_t most = 200) const;

  /// Every event from now on is also stored there, at most `most`; null: no longer. A failure to allocate
  /// ends it.
  void keep_in(std::vector<trace_record>* all, std::size_t most = 1'000'000) noexcept;

 private:
  void keep(const trace_record& record) noexcept;

  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::uint64_t events_ = 0;
  std::uint64_t now_ns_ = 0;
  std::vector<trace_record>* all_ = nullptr;
  std::size_t all_max_ = 0;
  std::array<trace_record, kept_max> ring_{};
};

} // namespace weir::sim
