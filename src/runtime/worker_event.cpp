#include <weir/runtime/worker_event.hpp>

#include <array>
#include <cstdio>
#include <cstring>

namespace weir {
namespace {

constexpr std::array<std::string_view, 12> event_names = {
    "started",     "ready",        "draining", "ended",         "failed",  "overdue",
    "is replaced", "reload began", "reloaded", "reload failed", "gave up", "cannot tell the manager"};

std::string describe(const exit_status& end) {
  if (const auto code = end.code()) return "exit code " + std::to_string(*code);
  const char* const name = ::sigabbrev_np(*end.signal());
  std::string text = "killed by " + (name ? "SIG" + std::string(name) : std::to_string(*end.signal()));
  if (end.dumped_core()) text += ", core dumped";
  return text;
}

std::string describe(std::chrono::nanoseconds delay) {
  if (delay.count() == 0) return " at once";
  return " in " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(delay).count()) +
         " ms";
}

} // namespace

std::string_view name_of(worker_event_kind kind) noexcept {
  return event_names[static_cast<std::size_t>(kind)];
}

std::string worker_event::to_string() const {
  const bool is_of_all = kind >= worker_event_kind::reload_began;
  std::string text = is_of_all ? "workers:" : "worker " + std::to_string(worker);
  if (process != 0) text += " (" + std::to_string(process) + ")";
  text += " " + std::string(name_of(kind));
  if (kind == worker_event_kind::replaced_soon) text += describe(delay);
  if (end) text += ": " + describe(*end);
  if (why) text += ": " + why->message();
  return text;
}

void report_worker_event(const worker_event& what) noexcept {
  std::fprintf(stderr, "weir: %s\n", what.to_string().c_str());
}

} // namespace weir
