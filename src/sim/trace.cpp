#include <weir/io/operation.hpp>
#include <weir/sim/trace.hpp>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <new>

namespace weir::sim {
namespace {

constexpr std::array<std::string_view, event_count> event_names{
    "phase",        "turn",         "started",      "completed",     "cancelled",
    "connecting",   "connected",    "accepted",     "sent",          "arrived",
    "ended",        "reset",        "closed",       "datagram_sent", "datagram_arrived",
    "file_written", "file_read",    "file_synced",  "file_changed",  "pool_work",
    "host_started", "host_crashed", "asked_to_end", "signal_raised", "partitioned",
    "healed",       "clock_jumped", "fault",        "note"};
static_assert(event_names.back() == "note", "an event has no name");

/// FNV-1a with words for bytes; the shift brings the high bits, which a multiplication alone never does,
/// down.
void mix(std::uint64_t& hash, std::uint64_t word) noexcept {
  hash = (hash ^ word) * 0x100000001b3;
  hash ^= hash >> 32;
}

std::string with_peer(const char* preposition, const trace_record& record, bool has_bytes) {
  std::string text = std::string(preposition) + " host " + std::to_string(record.a);
  if (has_bytes) text += ", " + std::to_string(record.b) + " bytes";
  return text;
}

std::string operation_of(const trace_record& record) {
  return record.a < operation_kind_count ? std::string(name_of(static_cast<operation_kind>(record.a)))
                                         : "unknown";
}

std::string details_of(const trace_record& record) {
  switch (record.what) {
  case event::sent:
  case event::datagram_sent:
    return with_peer("to", record, true);
  case event::arrived:
  case event::datagram_arrived:
    return with_peer("from", record, true);
  case event::connecting:
    return with_peer("to", record, false);
  case event::connected:
    return with_peer("with", record, false);
  case event::accepted:
  case event::partitioned:
  case event::healed:
    return with_peer("from", record, false);
  case event::ended:
  case event::reset:
    return with_peer("by", record, false);
  case event::file_written:
  case event::file_read:
    return "at " + std::to_string(record.a) + ", " + std::to_string(record.b) + " bytes";
  case event::phase:
    return record.a == 0 ? "safety" : record.a == 1 ? "liveness" : "the end";
  case event::fault:
    return record.a < fault_count ? std::string(name_of(static_cast<fault>(record.a))) : "unknown";
  case event::signal_raised:
    return "number " + std::to_string(record.a);
  case event::clock_jumped:
    return "by " + std::to_string(static_cast<std::int64_t>(record.a)) + " ns";
  case event::started:
  case event::cancelled:
    return operation_of(record);
  case event::completed:
    return operation_of(record) + " " + std::to_string(static_cast<std::int32_t>(record.b));
  default:
    return std::to_string(record.a) + " " + std::to_string(record.b);
  }
}

} // namespace

std::string_view name_of(event what) noexcept {
  return event_names[static_cast<std::size_t>(what)];
}

std::string describe(const trace_record& record) {
  std::array<char, 96> head;
  const std::string host = record.host == 0 ? "world" : "host " + std::to_string(record.host);
  std::snprintf(head.data(), head.size(), "%6" PRIu64 ".%06" PRIu64 " ms  %-7s %-16s #%" PRIu64 "  ",
                record.time_ns / 1'000'000, record.time_ns % 1'000'000, host.c_str(),
                std::string(name_of(record.what)).c_str(), record.subject);
  return head.data() + details_of(record);
}

void trace::note(event what, std::uint32_t host, std::uint64_t subject, std::uint64_t a,
                 std::uint64_t b) noexcept {
  mix(hash_, now_ns_);
  mix(hash_, (std::uint64_t{host} << 8) | static_cast<std::uint64_t>(what));
  mix(hash_, subject);
  mix(hash_, a);
  mix(hash_, b);
  trace_record& record = ring_[events_ % kept_max];
  record = {now_ns_, subject, a, b, host, what};
  ++events_;
  if (all_) keep(record);
}

std::vector<trace_record> trace::last(std::size_t most) const {
  const std::uint64_t count = std::min<std::uint64_t>({most, kept_max, events_});
  std::vector<trace_record> found;
  found.reserve(count);
  for (std::uint64_t i = events_ - count; i < events_; ++i) found.push_back(ring_[i % kept_max]);
  return found;
}

void trace::keep_in(std::vector<trace_record>* all, std::size_t most) noexcept {
  all_ = all;
  all_max_ = most;
}

void trace::keep(const trace_record& record) noexcept {
  try {
    if (all_->size() < all_max_) all_->push_back(record);
  } catch (const std::bad_alloc&) {
    all_ = nullptr;
  }
}

} // namespace weir::sim
