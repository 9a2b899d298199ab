#include "doctor_facts.hpp"
#include "version.hpp"

#include <weir/base/json_text.hpp>

#include <cstddef>

namespace weir::app {
namespace {

void add_limit(json_text& text, std::string_view name, const process_limit& limit) {
  text.open_object(name);
  text.add_or_null("soft", limit.soft);
  text.add_or_null("hard", limit.hard);
  text.close();
}

void add_machine(json_text& text, const machine& found) {
  text.open_object("machine");
  text.add("system", found.system);
  text.add("release", found.release);
  text.add("cpus_usable", found.cpus_usable);
  text.add("cpus_online", found.cpus_online);
  add_limit(text, "open_files", found.open_files);
  add_limit(text, "locked_memory_bytes", found.locked_memory_bytes);
  text.add_or_null("listen_backlog_max", found.listen_backlog_max);
  text.add_or_null("congestion_control", found.congestion_control);
  text.add_or_null("io_uring_disabled", found.io_uring_disabled);
  text.close();
}

void add_choice(json_text& text, const doctor_facts& facts) {
  text.add("backend", facts.backend);
  text.add("reason", facts.reason);
  text.open_object("receive_strategy");
  text.add("wanted", facts.strategy_wanted);
  text.add("used", facts.strategy_used);
  text.close();
  text.open_object("environment");
  text.add_or_null("WEIR_BACKEND", facts.backend_override);
  text.add_or_null("WEIR_CAPABILITIES", facts.capabilities_override);
  text.close();
}

void add_capabilities(json_text& text, const doctor_facts& facts) {
  text.open_object("capabilities");
  for (const capability_fact& each : facts.capabilities) {
    text.open_object(weir::name_of(each.which));
    text.add("present", each.why_missing.empty());
    if (!each.why_missing.empty()) text.add("why_missing", each.why_missing);
    text.close();
  }
  text.close();
}

void add_backends(json_text& text, const doctor_facts& facts) {
  text.open_object("backends");
  for (const backend_fact& each : facts.backends) {
    text.open_object(each.name);
    text.add("available", each.is_available());
    if (!each.is_available()) text.add("why_unavailable", each.why_unavailable);
    text.close();
  }
  text.close();
}

void add_operations(json_text& text, const doctor_facts& facts) {
  text.open_object("operations");
  for (std::size_t kind = 0; kind < operation_kind_count; ++kind) {
    text.open_object(weir::name_of(static_cast<operation_kind>(kind)));
    for (const backend_fact& each : facts.backends)
      if (each.is_available()) text.add(each.name, name_of(each.executions[kind]));
    text.close();
  }
  text.close();
}

} // namespace

std::string doctor_json(const doctor_facts& facts) {
  json_text text(json_text::layout::indented);
  text.add("version", version);
  add_machine(text, facts.machine);
  add_choice(text, facts);
  add_capabilities(text, facts);
  add_backends(text, facts);
  add_operations(text, facts);
  text.open_object("loop_defaults");
  for (const loop_setting& each : facts.defaults) text.add(each.name, each.value);
  text.close();
  return std::move(text).finish() + "\n";
}

} // namespace weir::app
