// What becomes durable, and what a crash leaves.
#include "disk_state.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace weir::sim {
namespace {

/// How often a change of a file lets the kernel write some of it on its own before.
constexpr std::uint32_t write_back_per_million = 60'000;

} // namespace

int disk::sync(open_file& file, bool /*data_only*/) {
  if (file.is_stale()) return -EIO;
  disk_node& node = *file.node;
  if (state_->happens(fault::disk_error)) {
    node.content.fail_sync(state_->random);
    return -EIO;
  }
  node.content.sync();
  if (state_->options.names == name_order::journalled)
    state_->journal.sync_all();
  else if (node.is_directory())
    state_->journal.sync(node);
  return 0;
}

void disk::state::write_back_at_times(disk_node& node) {
  if (!random.chance(write_back_per_million)) return;
  const bool is_journalled = options.names == name_order::journalled;
  node.content.write_back(random, {500'000, true, is_journalled});
  journal.write_back(random, is_journalled, 500'000);
}

void disk::crash() {
  state& of = *state_;
  ++of.crashes;
  constexpr std::array<std::uint32_t, 4> chances{0, 100'000, 500'000, 900'000};
  const bool is_at_risk = !of.journal.is_empty() || !of.is_synced(*of.root);
  const bool loses = is_at_risk && of.happens(fault::lost_write);
  const bool tears = loses && of.happens(fault::torn_write);
  const std::uint32_t per_million = loses ? chances[of.random.below(chances.size())] : 1'000'000;
  const bool is_journalled = of.options.names == name_order::journalled;
  of.losses.name_changes += of.journal.crash(of.random, is_journalled, per_million);
  of.used_sectors = 0;
  of.restart(of.root, {per_million, tears, is_journalled});
}

bool disk::state::is_synced(const disk_node& node) const {
  return node.content.is_synced() &&
         std::ranges::all_of(node.names, [&](const auto& entry) { return is_synced(*entry.second); });
}

/// What is below becomes what the disk holds.
void disk::state::restart(const disk_node_pointer& node, const survival& of_each) {
  if (std::exchange(node->visited_in, crashes) == crashes) return;
  if (node->is_regular()) {
    const crash_losses lost = node->content.crash(random, of_each);
    losses.sectors += lost.sectors_lost;
    losses.pages_torn += lost.pages_torn;
    used_sectors += node->content.allocated_sectors();
  }
  node->names = node->durable_names;
  for (const auto& [name, child] : node->names) {
    child->names_count = 1; // there are no hard links
    if (child->is_directory()) child->parent = node;
    restart(child, of_each);
  }
}

} // namespace weir::sim
