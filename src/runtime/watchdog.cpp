#include "watchdog_stack.hpp"

#include <weir/io/thread_clock.hpp>
#include <weir/runtime/watchdog.hpp>

#include <pthread.h>

#include <cstdio>
#include <utility>

namespace weir {

// --- reports ---

std::string stuck_report::to_string() const {
  char line[512];
  const double held_ms = static_cast<double>(held_ns) / 1e6;
  const char* const verb = has_ended ? "was held up" : "is held up";
  if (what.has_operation)
    std::snprintf(line, sizeof line,
                  "weir: loop %s %s: for %.0f ms by the handler of %s on descriptor %d, awaited at %s:%u\n",
                  loop.c_str(), verb, held_ms, name_of(what.kind).data(), what.descriptor,
                  what.where.file_name(), static_cast<unsigned>(what.where.line()));
  else
    std::snprintf(line, sizeof line, "weir: loop %s %s: for %.0f ms in phase %s\n", loop.c_str(), verb,
                  held_ms, name_of(what.phase).data());
  std::string text = line;
  for (const std::string& frame : stack) text += "  " + frame + "\n";
  return text;
}

void print_stuck_report(const stuck_report& report) {
  std::fputs(report.to_string().c_str(), stderr);
}

// --- the thread ---

watchdog::watchdog(watchdog_options options, metrics_registry& loops)
    : options_(std::move(options)), loops_(loops) {
  if (options_.signal >= 0) watchdog_stack::prepare(options_.signal);
  thread_ = std::thread([this] { watch(); });
}

watchdog::~watchdog() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  ending_.notify_all();
  thread_.join();
}

void watchdog::watch() {
  ::pthread_setname_np(::pthread_self(), "weir-watchdog");
  std::unique_lock lock(mutex_);
  while (!ending_.wait_for(lock, options_.look_every, [this] { return is_ending_; })) look();
}

/// Reports are made behind the look, which holds up whoever begins or ends a membership.
void watchdog::look() {
  std::vector<stuck_report> due;
  ++looks_;
  loops_.for_each([&](const metrics_registry::member& each) { look_at(each, due); });
  std::erase_if(seen_, [this](const auto& entry) { return entry.second.look != looks_; });
  for (stuck_report& incident : due) report(incident);
}

void watchdog::look_at(const metrics_registry::member& member, std::vector<stuck_report>& due) {
  const auto now = member.home->measured().now.try_read();
  sighting& last = seen_[member.name];
  last.look = looks_;
  const std::uint64_t now_ns = thread_clock::now_ns();
  const std::uint64_t held_ns = now_ns - last.first_seen_ns;
  if (!now || now->number != last.number) {
    if (last.is_reported) {
      stuck_report end;
      end.loop = member.name;
      end.what = last.what;
      end.held_ns = held_ns;
      end.has_ended = true;
      due.push_back(std::move(end));
    }
    last = {
        now ? now->number : 0, now_ns, looks_, false, member.thread_id, now ? now->value : current_handler()};
    return;
  }
  const auto limit_ns = static_cast<std::uint64_t>(options_.limit.count());
  if (last.is_reported || last.what.phase == loop_phase::waiting || held_ns < limit_ns) return;
  last.is_reported = true;
  member.note_stuck();
  stuck_report begun;
  begun.loop = member.name;
  begun.what = last.what;
  begun.held_ns = held_ns;
  due.push_back(std::move(begun));
}

void watchdog::report(stuck_report& incident) {
  if (!incident.has_ended && options_.signal >= 0)
    incident.stack = watchdog_stack::of_thread(seen_[incident.loop].thread_id);
  if (options_.on_report) options_.on_report(incident);
}

} // namespace weir
