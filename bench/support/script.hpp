// The course of a run, the same for every contestant: which messages are sent, which of them are answered,
// what is checked, and when the clocks start and stop. Plain C++, no dependency on weir.
#pragma once

#include "contestant.hpp"

#include <cstring>
#include <functional>
#include <utility>

namespace bench {

// Messages are numbered from 0. First comes an uncounted lead-in (a hello and the warm-up), whose answer
// tells the sender that both ends are connected and that nothing uncounted is under way any more. The counted
// messages are round trips first, then messages one way. The last message is answered in any case: it
// tells the sender that everything has arrived. An answer is the same message sent back.
class script {
 public:
  explicit script(const options& o) : lead_in_(1 + o.warmup), round_trips_(0), one_way_(o.messages) {
    if (o.mode == mode::pingpong) round_trips_ = std::exchange(one_way_, 0);
    if (o.mode == mode::original) round_trips_ = 1'000, one_way_ = 3'600;
  }

  std::uint64_t first_counted() const { return lead_in_; }
  std::uint64_t counted() const { return round_trips_ + one_way_; }
  std::uint64_t total() const { return lead_in_ + counted(); }
  bool is_round_trip(std::uint64_t index) const { return index - lead_in_ < round_trips_; }

  bool is_answered(std::uint64_t index) const {
    if (index >= lead_in_) return is_round_trip(index) || index + 1 == total();
    return index + 1 == lead_in_ || one_way_ == 0;
  }

 private:
  std::uint64_t lead_in_;
  std::uint64_t round_trips_;
  std::uint64_t one_way_;
};

// Reads a side's totals. Called twice a run, on the thread of that side.
using counts_reader = std::function<call_counts()>;

// Clock, CPU time and counters between the first counted message and the last.
class measured_section {
 public:
  explicit measured_section(counts_reader read_counts) : read_counts_(std::move(read_counts)) {}

  void begin() {
    counts_at_begin_ = read_counts_();
    cpu_at_begin_ns_ = process_cpu_ns();
    begin_ns_ = monotonic_ns();
  }

  side_record end(std::uint64_t messages) const {
    side_record r;
    r.elapsed_ns = monotonic_ns() - begin_ns_;
    r.cpu_ns = process_cpu_ns() - cpu_at_begin_ns_;
    r.counts = read_counts_() - counts_at_begin_;
    r.messages = messages;
    return r;
  }

 private:
  counts_reader read_counts_;
  call_counts counts_at_begin_;
  std::uint64_t cpu_at_begin_ns_ = 0;
  std::uint64_t begin_ns_ = 0;
};

// The receiving side: checks each message and says whether to send it back. One thread.
class receiving_side {
 public:
  receiving_side(const options& o, counts_reader read_counts)
      : script_(o), size_bytes_(o.size_bytes), section_(std::move(read_counts)) {}

  // True: the message must be sent back to its sender. A wrong message ends the program.
  bool on_message(const void* data, std::size_t size_bytes) {
    const std::uint64_t index = received_++;
    check(index, data, size_bytes);
    if (index == script_.first_counted()) section_.begin();
    if (received_ == script_.total()) record_ = section_.end(script_.counted());
    return script_.is_answered(index);
  }

  bool finished() const { return received_ == script_.total(); }
  const side_record& record() const { return record_; }

 private:
  void check(std::uint64_t index, const void* data, std::size_t size_bytes) const {
    if (size_bytes != size_bytes_) fail("receiver", "a message of the wrong size");
    if (size_bytes < sizeof index) return;
    std::uint64_t sequence;
    std::memcpy(&sequence, data, sizeof sequence);
    if (sequence != index) fail("receiver", "a message lost, doubled or out of order");
  }

  script script_;
  std::size_t size_bytes_;
  std::uint64_t received_ = 0;
  measured_section section_;
  side_record record_;
};

// The sending side: writes each message and says when to wait for its answer. One thread.
// Use: while not finished: if waiting, hand the next message received to `on_answer()`; else send what
// `next()` returns and call `on_sent()`.
class sending_side {
 public:
  sending_side(const options& o, counts_reader read_counts)
      : script_(o), payload_(o.size_bytes, 'w'), section_(std::move(read_counts)) {
    payload_.reserve(1); // so that there is an address even of 0 bytes
    if (o.mode != mode::stream) round_trips_ns_.reserve(script_.counted());
  }

  bool finished() const { return sent_ == script_.total() && !waiting_; }
  bool waiting() const { return waiting_; }

  // The message to send now, once a message. Valid until the next call.
  const std::vector<char>& next() {
    if (payload_.size() >= sizeof sent_) std::memcpy(payload_.data(), &sent_, sizeof sent_);
    if (sent_ == script_.first_counted()) section_.begin();
    if (script_.is_round_trip(sent_)) asked_ns_ = monotonic_ns();
    return payload_;
  }

  void on_sent() { waiting_ = script_.is_answered(sent_++); }

  void on_answer(const void* data, std::size_t size_bytes) {
    if (!waiting_ || size_bytes != payload_.size() || std::memcmp(data, payload_.data(), size_bytes) != 0)
      fail("sender", "an answer that was not asked for");
    waiting_ = false;
    if (script_.is_round_trip(sent_ - 1)) round_trips_ns_.push_back(monotonic_ns() - asked_ns_);
    if (!finished()) return;
    record_ = section_.end(script_.counted());
    record_.round_trips_ns = std::move(round_trips_ns_);
  }

  const side_record& record() const { return record_; }

 private:
  script script_;
  std::vector<char> payload_;
  std::uint64_t sent_ = 0;
  bool waiting_ = false;
  std::uint64_t asked_ns_ = 0;
  std::vector<std::uint64_t> round_trips_ns_;
  measured_section section_;
  side_record record_;
};

} // namespace bench
