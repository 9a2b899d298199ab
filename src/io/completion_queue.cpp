#include <weir/io/completion_queue.hpp>

#include <bit>
#include <cassert>

namespace weir {
namespace {

constexpr std::array<unsigned, lane_count> lane_weights = {8, 4, 1};

} // namespace

completion_queue::completion_queue(std::size_t capacity)
    : capacity_(std::bit_ceil(capacity)), left_in_lane_(lane_weights[0]),
      lanes_{ring(capacity_), ring(capacity_), ring(capacity_)} {}

/// Where there are more than fit into one lane, it matters which of them they are in.
bool completion_queue::has_room_in_each(std::size_t count) const noexcept {
  for (const ring& lane : lanes_)
    if (lane.room() < count) return false;
  return true;
}

void completion_queue::push(operation& completed, completion&& what) noexcept {
  ring& into = lanes_[static_cast<std::size_t>(completed.lane_)];
  assert(into.room() > 0);
  if (!what.more) completed.state_ = operation_state::completed;
  into.push(completed, std::move(what));
  ++size_;
}

std::optional<completion_queue::entry> completion_queue::pop() noexcept {
  if (size_ == 0) return std::nullopt;
  if (lanes_[current_lane_].size() != size_) choose_lane(); // else there is nobody to take turns with
  --size_;
  return lanes_[current_lane_].pop();
}

void completion_queue::choose_lane() noexcept {
  while (left_in_lane_ == 0 || lanes_[current_lane_].size() == 0) {
    current_lane_ = (current_lane_ + 1) % lane_count;
    left_in_lane_ = lane_weights[current_lane_];
  }
  --left_in_lane_;
}

} // namespace weir
