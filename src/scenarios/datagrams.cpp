// Three stations tell each other numbered datagrams over UDP, each from an open socket and from one that is
// connected to its neighbour, one by one, in batches and in segments, while the network loses, doubles and
// reorders them.
//
// Slots are small, so that long datagrams are cut; queues and buffers are short, so that some are dropped and
// counted. What a datagram says tells which it is. Rules:
//   1. What arrives was sent, from the socket that it says it comes from to the one that it came to, within
//   its boundaries; unchanged, or cut at the end of a slot and marked so.
//   2. What its sender was told has not left does not arrive: of a batch, of segments, of a send that was
//   cancelled.
//   3. Nothing arrives twice but what the network has doubled.
//   4. All that left arrives, but for what the network has lost, and what was dropped and counted.
//   5. Once faults have stopped everything arrives, and everything ends.
#include "scenarios.hpp"

#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/net/udp_socket.hpp>
#include <weir/sim/hosts_run.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// A datagram as its sender knows it.
struct told_datagram {
  enum class outcome : std::uint8_t { unknown, left, refused };

  std::size_t from = 0; ///< sockets, by number
  std::size_t to = 0;
  std::size_t bytes = 0;
  bool is_of_calm = false; ///< nothing went wrong any more
  outcome reported = outcome::unknown;
  std::uint64_t arrived = 0;
};

/// At the head of each; the bytes behind it are told by the number and their place.
struct datagram_header {
  std::uint32_t number = 0;
  std::uint32_t bytes = 0; ///< all of them

  static std::byte at(std::uint32_t number, std::size_t place) noexcept {
    return static_cast<std::byte>((place + number) * 0x9e3779b97f4a7c15 >> 56);
  }
};

class datagrams_run final : public sim::hosts_run {
 public:
  explicit datagrams_run(sim::world& in) : hosts_run(in) {
    for (std::size_t i = 0; i < stations; ++i)
      add_host("station " + std::to_string(i + 1))
          .start([this, i](sim::host&) { return take_part(i); }, small_slots());
  }

  void check_end() override {
    demand(calm_left_ == calm_arrived_ + dropped_ - dropped_before_calm_,
           "5: nothing goes wrong any more, and a datagram did not arrive once");
    if (fault_count(sim::fault::partition) > 0) return; // which loses, and does not count
    const std::uint64_t left = static_cast<std::uint64_t>(
        std::ranges::count(told_, told_datagram::outcome::left, &told_datagram::reported));
    const std::uint64_t due = left + fault_count(sim::fault::datagram_doubled);
    demand(due == arrived_ + dropped_ + fault_count(sim::fault::datagram_lost),
           "4: datagrams are missing that nobody has lost");
  }

 private:
  static constexpr std::size_t stations = 3;
  static constexpr std::size_t sockets = 2 * stations; ///< the open one of each, then the connected ones
  static constexpr std::uint16_t port = 9000;
  static constexpr std::size_t slot_bytes = 4096;
  static constexpr std::size_t slot_overhead_bytes = 250;
  static constexpr int rounds_each = 12;
  static constexpr int calm_rounds_each = 3;
  static constexpr std::size_t batch_max = 6;

  std::uint64_t fault_count(sim::fault kind) { return in().faults().count(kind); }

  static loop_options small_slots() {
    loop_options options;
    options.buffers.slot_bytes = slot_bytes;
    options.buffers.budget_bytes = std::size_t{1} << 20;
    return options;
  }

  udp_options drawn_options() {
    constexpr std::array policies{when_queue_is_full::pause, when_queue_is_full::drop_newest,
                                  when_queue_is_full::drop_oldest};
    udp_options options;
    options.queue_max = std::size_t{2} << draw().below(6);
    options.at_bound = policies[draw().below(policies.size())];
    options.receive_buffer_bytes = static_cast<int>(8192 << draw().below(5));
    return options;
  }

  // --- a station ---

  static address open_address(std::size_t station) {
    return *address::ip("10.0.0." + std::to_string(station + 1), port);
  }
  static std::size_t neighbour_of(std::size_t station) { return (station + 1) % stations; }
  /// Whom a socket sends to and hears.
  static bool are_in_touch(std::size_t from, std::size_t to) {
    return from < stations ? to < stations : to == neighbour_of(from - stations);
  }

  task<> take_part(std::size_t index) {
    const auto bind = [this, index] { return udp_socket::bind(open_address(index), drawn_options()); };
    const auto connect = [this, index] {
      return udp_socket::connect(open_address(neighbour_of(index)), drawn_options());
    };
    udp_socket open = co_await open_socket(bind);
    udp_socket connected = co_await open_socket(connect);
    if (open && connected) {
      addresses_[index] = *open.local_address();
      addresses_[stations + index] = *connected.local_address();
      ++sockets_open_;
      co_await when_all(say_all(index, open, connected), hear_all(index, open),
                        hear_all(stations + index, connected));
      dropped_ += dropped_by(open) + dropped_by(connected);
    }
  }
  static std::uint64_t dropped_by(const udp_socket& which) {
    const datagram_losses lost = which.losses();
    return lost.dropped + lost.kernel_dropped;
  }

  /// Descriptors may be short.
  template <class Opens>
  static task<udp_socket> open_socket(Opens open) {
    result<udp_socket> made = open();
    while (!made) {
      result<> slept = co_await sleep_for(milliseconds(100));
      if (!slept) co_return udp_socket();
      made = open();
    }
    co_return std::move(*made);
  }

  // --- saying ---

  task<> say_all(std::size_t index, udp_socket& open, udp_socket& connected) {
    result<> slept;
    while (slept && sockets_open_ < stations) slept = co_await sleep_for(milliseconds(50));
    for (int round = 0; slept && round < rounds_each; ++round) {
      co_await say_something(index, open, connected);
      slept = co_await sleep_for(nanoseconds(draw().below(30'000'000)));
    }
    ++stations_silent_;
    while (slept && !(is_calm() && stations_silent_ == stations))
      slept = co_await sleep_for(milliseconds(500));
    if (slept) slept = co_await sleep_for(seconds(10)); // all that is under way has come, and was read
    dropped_before_calm_ += dropped_by(open) + dropped_by(connected);
    for (int round = 0; slept && round < calm_rounds_each; ++round) {
      co_await say_something(index, open, connected);
      slept = co_await sleep_for(milliseconds(200));
    }
    if (slept) slept = co_await sleep_for(seconds(10));
    ++stations_done_;
  }

  task<> say_something(std::size_t index, udp_socket& open, udp_socket& connected) {
    switch (draw().below(5)) {
    case 0:
      co_await say_one(index, open);
      break;
    case 1:
      co_await say_at_once(index, open);
      break;
    case 2:
      co_await say_many(index, open);
      break;
    case 3:
      co_await say_in_segments(index, open);
      break;
    default:
      co_await say_many(stations + index, connected);
    }
  }

  /// Most are short; some longer than a slot.
  std::size_t drawn_bytes() {
    const std::size_t most = draw().chance(100'000) ? 2 * slot_bytes : 300;
    return draw().between(sizeof(datagram_header), most);
  }

  std::uint32_t begin(std::size_t from, std::size_t to, std::span<std::byte> bytes) {
    told_datagram& made = told_.emplace_back();
    made.from = from;
    made.to = to;
    made.bytes = bytes.size();
    made.is_of_calm = stations_silent_ == stations;
    datagram_header header;
    header.number = static_cast<std::uint32_t>(told_.size() - 1);
    header.bytes = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(bytes.data(), &header, sizeof header);
    for (std::size_t i = sizeof header; i < bytes.size(); ++i)
      bytes[i] = datagram_header::at(header.number, i);
    return header.number;
  }

  void report(std::uint32_t number, bool has_left) {
    told_datagram& which = told_[number];
    which.reported = has_left ? told_datagram::outcome::left : told_datagram::outcome::refused;
    if (has_left && which.is_of_calm) ++calm_left_;
    demand(has_left || which.arrived == 0, "2: a datagram arrived that its sender was told has not left");
    note(number, has_left);
  }

  std::size_t somebody_but(std::size_t index) { return (index + draw().between(1, stations - 1)) % stations; }

  task<> say_one(std::size_t index, udp_socket& from) {
    const std::size_t to = somebody_but(index);
    std::vector<std::byte> bytes(drawn_bytes());
    const std::uint32_t number = begin(index, to, bytes);
    const nanoseconds patience = draw().chance(300'000) ? nanoseconds(draw().below(1'000'000)) : seconds(60);
    result<> sent = co_await with_deadline(patience, from.send_to(bytes, addresses_[to]));
    report(number, sent.has_value());
  }

  task<> say_at_once(std::size_t index, udp_socket& from) {
    const std::size_t to = somebody_but(index);
    std::vector<std::byte> bytes(drawn_bytes());
    const std::uint32_t number = begin(index, to, bytes);
    report(number, from.try_send_to(bytes, addresses_[to]).has_value());
    co_return;
  }

  task<> say_many(std::size_t index, udp_socket& from) {
    std::array<std::vector<std::byte>, batch_max> bytes;
    std::vector<outgoing_datagram> batch;
    std::vector<std::uint32_t> numbers;
    const std::size_t count = draw().between(1, batch_max);
    const bool is_open = index < stations;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t to = is_open ? somebody_but(index) : neighbour_of(index - stations);
      bytes[i].resize(drawn_bytes());
      numbers.push_back(begin(index, to, bytes[i]));
      batch.emplace_back(bytes[i], is_open ? &addresses_[to] : nullptr);
    }
    sent_datagrams sent = co_await from.send_many(batch);
    for (std::size_t i = 0; i < count; ++i) report(numbers[i], i < sent.count());
  }

  task<> say_in_segments(std::size_t index, udp_socket& from) {
    const std::size_t to = somebody_but(index);
    const std::size_t segment_bytes = draw().between(2 * sizeof(datagram_header), 400);
    const std::size_t whole = draw().between(1, batch_max);
    std::vector<std::byte> block(whole * segment_bytes + sizeof(datagram_header)); // the last is shorter
    std::vector<std::uint32_t> numbers;
    for (std::size_t at = 0; at < block.size(); at += segment_bytes)
      numbers.push_back(
          begin(index, to, std::span(block).subspan(at, std::min(segment_bytes, block.size() - at))));
    transfer sent = co_await from.send_segments(block, segment_bytes, &addresses_[to]);
    for (std::size_t i = 0; i < numbers.size(); ++i) report(numbers[i], i * segment_bytes < sent.bytes());
  }

  // --- hearing ---

  task<> hear_all(std::size_t index, udp_socket& at) {
    std::array<datagram, batch_max> heard;
    while (stations_done_ < stations) {
      result<std::size_t> count = co_await with_deadline(milliseconds(300), at.receive_some(heard));
      if (!count && count.error().is_cancelled()) co_return;
      for (std::size_t i = 0; i < count.value_or(0); ++i) take(index, heard[i]);
      while (std::optional<datagram> another = at.try_receive()) take(index, *another);
      if (is_calm() || !draw().chance(200'000)) continue;
      [[maybe_unused]] result<> slept = co_await sleep_for(nanoseconds(draw().below(100'000'000)));
    }
  }

  void take(std::size_t index, const datagram& what) {
    datagram_header header;
    if (what.bytes.size() < sizeof header)
      return demand(false, "1: a datagram is shorter than any that was sent");
    std::memcpy(&header, what.bytes.data(), sizeof header);
    if (header.number >= told_.size()) return demand(false, "1: a datagram arrived that nobody sent");
    told_datagram& sent = told_[header.number];
    demand(sent.to == index && are_in_touch(sent.from, index), "1: a datagram came to another socket");
    demand(is_same(what.from, addresses_[sent.from]), "1: a datagram came under another's address");
    demand(header.bytes == sent.bytes && is_unchanged(what, header), "1: a datagram was changed on its way");
    demand(is_whole_or_cut(what, sent.bytes), "1: a datagram was not kept within its boundaries");
    demand(sent.reported != told_datagram::outcome::refused,
           "2: a datagram arrived that its sender was told has not left");
    if (sent.arrived++ > 0) ++came_twice_;
    demand(came_twice_ <= fault_count(sim::fault::datagram_doubled), "3: a datagram came twice");
    ++arrived_;
    if (sent.is_of_calm) ++calm_arrived_;
    note(header.number, what.bytes.size());
  }

  static bool is_same(const address& one, const address& other) {
    return one.raw_bytes() == other.raw_bytes() && std::memcmp(one.raw(), other.raw(), one.raw_bytes()) == 0;
  }
  static bool is_unchanged(const datagram& what, const datagram_header& header) {
    const std::span<const std::byte> bytes = what.bytes;
    for (std::size_t i = sizeof header; i < bytes.size(); ++i)
      if (bytes[i] != datagram_header::at(header.number, i)) return false;
    return true;
  }
  static bool is_whole_or_cut(const datagram& what, std::size_t sent_bytes) {
    if (!what.is_truncated) return what.bytes.size() == sent_bytes;
    return what.bytes.size() < sent_bytes && what.bytes.size() + slot_overhead_bytes >= slot_bytes;
  }

  std::deque<told_datagram> told_; ///< by number
  std::array<address, sockets> addresses_;
  std::size_t sockets_open_ = 0;
  std::size_t stations_silent_ = 0; ///< until it is calm
  std::size_t stations_done_ = 0;
  std::uint64_t arrived_ = 0; ///< doubles included
  std::uint64_t came_twice_ = 0;
  std::uint64_t dropped_ = 0; ///< by weir and by the kernel, as the sockets tell
  std::uint64_t dropped_before_calm_ = 0;
  std::uint64_t calm_left_ = 0;
  std::uint64_t calm_arrived_ = 0;
};

} // namespace

constinit const sim::scenario datagrams{
    "datagrams", "datagrams arrive as they were sent, or not, and who sends and receives is told the truth",
    sim::begin_run<datagrams_run>};

} // namespace weir::scenarios
