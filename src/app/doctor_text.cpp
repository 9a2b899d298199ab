#include "doctor_facts.hpp"
#include "units.hpp"
#include "version.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <iterator>

namespace weir::app {
namespace {

/// Writes the report; pads before it colours, since escape sequences take no room on the screen.
class writer {
 public:
  explicit writer(bool in_colour) : in_colour_(in_colour) {}

  template <class... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }
  void heading(std::string_view name) { line("\n{}", bold(name)); }
  /// A name with what is true of it.
  void fact(std::string_view name, std::string_view value) { line("  {:<27}  {}", name, value); }

  std::string bold(std::string_view text) const { return coloured("1", text); }
  std::string green(std::string_view text) const { return coloured("32", text); }
  std::string yellow(std::string_view text) const { return coloured("33", text); }

  std::string take() && { return std::move(text_); }

 private:
  std::string coloured(std::string_view code, std::string_view text) const {
    return in_colour_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
  }

  bool in_colour_;
  std::string text_;
};

// --- the parts of the report ---

std::string cpus_of(const machine& found) {
  const char* const noun = found.cpus_online == 1 ? "CPU" : "CPUs";
  if (found.cpus_usable == found.cpus_online) return fmt::format("{} {}", found.cpus_online, noun);
  return fmt::format("{} of {} {}", found.cpus_usable, found.cpus_online, noun);
}

std::string overrides_of(const doctor_facts& facts) {
  std::string text;
  if (facts.backend_override) text += fmt::format("WEIR_BACKEND={} ", *facts.backend_override);
  if (facts.capabilities_override) text += fmt::format("WEIR_CAPABILITIES={} ", *facts.capabilities_override);
  if (text.empty()) return "overrides nothing (WEIR_BACKEND, WEIR_CAPABILITIES)";
  text.pop_back();
  return text;
}

std::string strategy_of(const doctor_facts& facts) {
  if (facts.strategy_wanted == facts.strategy_used) return facts.strategy_used;
  return fmt::format("{} ({})", facts.strategy_used, facts.strategy_wanted);
}

void write_choice(writer& out, const doctor_facts& facts) {
  out.line("weir {} on {} {}, {}", version, facts.machine.system, facts.machine.release,
           cpus_of(facts.machine));
  out.line("");
  out.line("{}       {}", out.bold("backend"), facts.reason);
  out.line("{}      {}", out.bold("receives"), strategy_of(facts));
  out.line("{}   {}", out.bold("environment"), overrides_of(facts));
}

void write_capabilities(writer& out, const doctor_facts& facts) {
  out.heading("capabilities");
  for (const capability_fact& each : facts.capabilities) {
    const std::string_view name = weir::name_of(each.which);
    if (each.why_missing.empty())
      out.line("  {:<17}  {}  {}", name, out.green("yes"), each.meaning);
    else
      out.line("  {:<17}  {}  {}", name, out.yellow("no "), each.why_missing);
  }
}

std::string cell(const backend_fact& backend, std::size_t kind) {
  return backend.is_available() ? std::string(name_of(backend.executions[kind])) : "-";
}

void write_operations(writer& out, const doctor_facts& facts) {
  std::string names;
  for (const backend_fact& each : facts.backends) names += fmt::format("  {:<9}", each.name);
  while (names.ends_with(' ')) names.pop_back();
  out.line("\n{}{}", out.bold(fmt::format("{:<22}", "operations")), out.bold(names));
  for (std::size_t kind = 0; kind < operation_kind_count; ++kind) {
    std::string line = fmt::format("  {:<20}", weir::name_of(static_cast<operation_kind>(kind)));
    for (const backend_fact& each : facts.backends) line += fmt::format("  {:<9}", cell(each, kind));
    while (line.ends_with(' ')) line.pop_back();
    out.line("{}", line);
  }
  out.line("  kernel: asynchronous in the kernel; readiness: waits, then a call that does not block;");
  out.line("  inline: a call that does not block, made at once; offloaded: a thread of the pool makes it");
  for (const backend_fact& each : facts.backends)
    if (!each.is_available())
      out.line("  {} cannot be used: {}", each.name, out.yellow(each.why_unavailable));
}

template <class Format>
std::string limit_text(const process_limit& limit, Format format) {
  const auto bound = [&](const std::optional<std::uint64_t>& value) {
    return value ? format(*value) : std::string("unlimited");
  };
  return fmt::format("{} (hard limit {})", bound(limit.soft), bound(limit.hard));
}

void write_limits(writer& out, const machine& found) {
  out.heading("limits of the system");
  out.fact("open files", limit_text(found.open_files, format_count));
  out.fact("locked memory", limit_text(found.locked_memory_bytes, format_bytes));
  out.fact("net.core.somaxconn", found.listen_backlog_max.value_or("unknown"));
  out.fact("tcp_congestion_control", found.congestion_control.value_or("unknown"));
  if (found.io_uring_disabled) out.fact("kernel.io_uring_disabled", *found.io_uring_disabled);
}

std::string value_of(const loop_setting& setting) {
  switch (setting.unit) {
  case loop_setting::quantity::bytes:
    return format_bytes(setting.value);
  case loop_setting::quantity::nanoseconds:
    return format_duration(std::chrono::nanoseconds(setting.value));
  case loop_setting::quantity::count:
    return format_count(setting.value);
  }
  return {};
}

void write_defaults(writer& out, const std::vector<loop_setting>& defaults) {
  out.heading("limits of a loop, by default (loop_options)");
  for (const loop_setting& each : defaults)
    out.fact(each.name, fmt::format("{:>8}  {}", value_of(each), each.meaning));
}

} // namespace

std::string doctor_text(const doctor_facts& facts, bool in_colour) {
  writer out(in_colour);
  write_choice(out, facts);
  write_capabilities(out, facts);
  write_operations(out, facts);
  write_limits(out, facts.machine);
  write_defaults(out, facts.defaults);
  return std::move(out).take();
}

} // namespace weir::app
