#include <weir/io/completion_queue.hpp>

#include <bit>
#include <cassert>

namespace weir {
namespace {

constexpr std::array<unsigned, lane_count> lane_weights = {8, 4, 1};

} // namespace

/// A ring of entries; `put` and `taken` only grow, their difference is the number of entries.
struct completion_queue::ring {
  explicit ring(std::size_t capacity) : entries(std::make_unique<slot[]>(capacity)), mask(capacity - 1) {}
  ~ring() {
    while (size() > 0) pop();
  }

  union slot {
    slot() noexcept {}
    ~slot() {}
    entry value;
  };

  std::size_t size() const noexcept { return put - taken; }
  std::size_t room() const noexcept { return mask + 1 - size(); }

  void push(operation& completed, completion&& what) noexcept {
    std::construct_at(&entries[put++ & mask].value, completed, std::move(what));
  }
  entry pop() noexcept {
    entry& oldest = entries[taken++ & mask].value;
    entry out = std::move(oldest);
    std::destroy_at(&oldest);
    return out;
  }

  std::unique_ptr<slot[]> entries;
  std::size_t mask;
  std::size_t put = 0;
  std::size_t taken = 0;
};

completion_queue::completion_queue(std::size_t capacity) : left_in_lane_(lane_weights[0]) {
  for (auto& lane : lanes_) lane = std::make_unique<ring>(std::bit_ceil(capacity));
}

completion_queue::~completion_queue() = default;

bool completion_queue::has_room(std::size_t count) const noexcept {
  for (const auto& lane : lanes_)
    if (lane->room() < count) return false;
  return true;
}

void completion_queue::push(operation& completed, completion&& what) noexcept {
  ring& into = *lanes_[static_cast<std::size_t>(completed.lane_)];
  assert(into.room() > 0);
  if (!what.more) completed.state_ = operation_state::completed;
  into.push(completed, std::move(what));
  ++size_;
}

std::optional<completion_queue::entry> completion_queue::pop() noexcept {
  if (size_ == 0) return std::nullopt;
  while (left_in_lane_ == 0 || lanes_[current_lane_]->size() == 0) {
    current_lane_ = (current_lane_ + 1) % lane_count;
    left_in_lane_ = lane_weights[current_lane_];
  }
  --left_in_lane_;
  --size_;
  return lanes_[current_lane_]->pop();
}

} // namespace weir
