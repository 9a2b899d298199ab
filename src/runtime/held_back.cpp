#include "peer_name.hpp"

#include <weir/async/sleep.hpp>
#include <weir/io/loop.hpp>
#include <weir/runtime/held_back.hpp>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace weir {
namespace {

bool is_held_back(const held_memory& what) {
  return what.is_paused || what.is_full;
}

std::string why_held_back(const held_memory& who) {
  const auto kib = [](std::size_t bytes) { return std::to_string(bytes / 1024) + " KiB"; };
  if (who.is_over_share) return kib(who.held_bytes) + " of what it received are kept, more than its share";
  if (who.is_paused) return kib(who.unread_bytes) + " that it received are not read";
  return kib(who.unsent_bytes) + " are not taken by its peer, and writers wait";
}

} // namespace

std::string held_back_report::to_string() const {
  std::string text = "descriptor " + std::to_string(who.descriptor) + " (" + who.kind;
  if (!who.name.empty()) text += " " + who.name;
  text += ") is held back for " + std::to_string(for_ns / 1'000'000) + " ms: " + why_held_back(who);
  if (unnamed > 0) text += "; and " + std::to_string(unnamed) + " others";
  return text;
}

void print_held_back(const held_back_report& report) {
  std::fprintf(stderr, "weir: %s\n", report.to_string().c_str());
}

held_back_watch::held_back_watch(held_back_options options) : options_(std::move(options)) {}

void held_back_watch::look(const loop& at) {
  const loop_counters& counters = at.counters();
  const std::uint64_t at_bounds = counters.receives_paused + counters.writes_waited;
  if (std::exchange(at_bounds_, at_bounds) == at_bounds && seen_.empty()) return;
  std::vector<held_back_report> all = due(at);
  const std::size_t shown = std::min(all.size(), options_.reports_max);
  if (shown > 0) all[shown - 1].unnamed = all.size() - shown;
  all.resize(shown);
  for (held_back_report& each : all) {
    name_by_peer(each.who);
    if (options_.on_report) options_.on_report(each);
  }
}

std::vector<held_back_report> held_back_watch::due(const loop& at) {
  std::vector<held_back_report> found;
  ++looks_;
  at.for_each_holder([&](const memory_holder& holder) {
    const held_memory who = holder.held();
    if (!is_held_back(who)) return;
    const sighting first{at.now_ns(), who.moved};
    sighting& of_it = seen_.try_emplace(&holder, first).first->second;
    if (of_it.moved != who.moved) of_it = first;
    of_it.look = looks_;
    const std::uint64_t for_ns = at.now_ns() - of_it.since_ns;
    if (of_it.is_reported || for_ns < static_cast<std::uint64_t>(options_.limit.count())) return;
    of_it.is_reported = true;
    found.push_back({who, for_ns});
  });
  std::erase_if(seen_, [&](const auto& entry) { return entry.second.look != looks_; });
  // The worst first.
  std::ranges::sort(found, std::ranges::greater{},
                    [](const held_back_report& each) { return each.who.bytes(); });
  return found;
}

task<result<>> report_held_back(held_back_options options) {
  const auto every = options.look_every;
  held_back_watch watch(std::move(options));
  for (;;) {
    result<> slept = co_await sleep_for(every);
    if (!slept) co_return slept;
    watch.look(*loop::current());
  }
}

} // namespace weir
