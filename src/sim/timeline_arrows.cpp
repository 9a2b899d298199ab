#include "timeline_arrows.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace weir::sim {
namespace {

bool is_sending(event what) noexcept {
  return what == event::sent || what == event::datagram_sent;
}
bool is_arrival(event what) noexcept {
  return what == event::arrived || what == event::datagram_arrived;
}

/// What belongs to the loops' own doings would drown the rest.
bool is_drawn(event what) noexcept {
  return what != event::turn && what != event::started && what != event::completed &&
         what != event::cancelled;
}

/// The drawable ones among the last.
std::vector<trace_record> choose(std::span<const trace_record> events, std::size_t most) {
  std::vector<trace_record> chosen;
  for (auto each = events.rbegin(); each != events.rend() && chosen.size() < most; ++each)
    if (is_drawn(each->what)) chosen.push_back(*each);
  std::reverse(chosen.begin(), chosen.end());
  return chosen;
}

/// Finds for what arrives where it left. The bytes of a connection arrive in their order.
class arrow_matcher {
 public:
  explicit arrow_matcher(std::vector<timeline_arrow>& into) : arrows_(into) {}

  void sent(const timeline_mark& mark) {
    on_their_way_[{mark.record.subject, mark.record.host}].push_back({mark, mark.record.b});
  }

  void arrived(const timeline_mark& mark) {
    const auto found = on_their_way_.find({mark.record.subject, static_cast<std::uint32_t>(mark.record.a)});
    if (found == on_their_way_.end() || found->second.empty()) return; // it left before the picture begins
    std::deque<departure>& queue = found->second;
    arrows_.push_back({queue.front().mark, mark, true});
    std::uint64_t bytes = mark.record.b;
    while (!queue.empty() && bytes >= queue.front().bytes_left) {
      bytes -= queue.front().bytes_left;
      queue.pop_front();
    }
    if (!queue.empty()) queue.front().bytes_left -= bytes;
  }

  void finish() {
    for (const auto& [which, queue] : on_their_way_)
      for (const departure& each : queue)
        if (each.bytes_left == each.mark.record.b) arrows_.push_back({each.mark, each.mark, false});
  }

 private:
  struct departure {
    timeline_mark mark;
    std::uint64_t bytes_left;
  };

  std::vector<timeline_arrow>& arrows_;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::deque<departure>> on_their_way_;
};

} // namespace

timeline_picture arrange_timeline(std::span<const trace_record> events, std::size_t events_max) {
  timeline_picture picture;
  arrow_matcher arrows(picture.arrows);
  std::map<std::uint32_t, std::size_t> last_rows; // of each lane
  for (const trace_record& each : choose(events, events_max)) {
    const auto last = last_rows.find(each.host);
    const bool is_taken = last != last_rows.end() && last->second + 1 == picture.row_times_ns.size();
    const bool is_new_moment = picture.row_times_ns.empty() || picture.row_times_ns.back() != each.time_ns;
    if (is_new_moment || is_taken) picture.row_times_ns.push_back(each.time_ns);
    const timeline_mark mark{each, picture.row_times_ns.size() - 1};
    last_rows[each.host] = mark.row;
    if (is_sending(each.what))
      arrows.sent(mark);
    else if (is_arrival(each.what))
      arrows.arrived(mark);
    picture.marks.push_back(mark);
  }
  arrows.finish();
  return picture;
}

} // namespace weir::sim
