#include "peer_name.hpp"

#include <weir/async/offload.hpp>
#include <weir/runtime/dump.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {
namespace {

template <class... Arguments>
void append_line(std::string& text, const char* format, Arguments... arguments) {
  char line[512];
  std::snprintf(line, sizeof line, format, arguments...);
  text.append(line).append("\n");
}

const char* state_of(const held_memory& held) {
  if (held.is_over_share) return ", paused: it holds more than its share";
  if (held.is_paused) return ", paused at its credit";
  return held.is_full ? ", writers wait" : "";
}

void append_streams(std::string& text, const loop& of) {
  of.for_each_holder([&](const memory_holder& holder) {
    held_memory held = holder.held();
    name_by_peer(held);
    append_line(text, "  %-14s descriptor %-5d unread %zu B, unsent %zu B, held %zu B%s  %s", held.kind,
                held.descriptor, held.unread_bytes, held.unsent_bytes, held.held_bytes, state_of(held),
                held.name.c_str());
  });
}

/// A line for each thing that children wait for, with how many do.
void append_waits(std::string& text, const cancellation& scope) {
  std::vector<std::pair<wait_note, std::size_t>> waits;
  scope.for_each_wait([&](const wait_note& note) {
    const auto is_same = [&](const auto& seen) {
      return std::string_view(seen.first.what) == note.what && seen.first.where.line() == note.where.line() &&
             std::string_view(seen.first.where.file_name()) == note.where.file_name();
    };
    const auto seen = std::ranges::find_if(waits, is_same);
    if (seen != waits.end())
      ++seen->second;
    else
      waits.emplace_back(note, 1);
  });
  for (const auto& [note, count] : waits) {
    if (note.where.line() == 0)
      append_line(text, "    %zu in %s", count, note.what);
    else
      append_line(text, "    %zu in %s  %s:%u", count, note.what, note.where.file_name(),
                  static_cast<unsigned>(note.where.line()));
  }
}

void append_owners(std::string& text, const loop& of) {
  of.for_each_owner([&](const task_owner& owner) {
    const owned_tasks owned = owner.owned();
    append_line(text, "  %-14s %zu of %zu children, %zu wait to begin%s  %s:%u", owned.kind, owned.running,
                owned.limit, owned.waiting, owned.is_ending ? ", asked to end" : "", owned.where.file_name(),
                static_cast<unsigned>(owned.where.line()));
    if (owned.scope) append_waits(text, *owned.scope);
  });
}

/// The slots that lie ready in the kernel's hands have no origin.
void append_leases(std::string& text, const loop& of) {
  if (!of.buffers().traces_leases()) return;
  of.buffers().for_each_held([&](const lease_origin& origin, std::uint32_t references) {
    if (origin.descriptor < 0) return;
    const double age_ms = static_cast<double>(of.now_ns() - std::min(of.now_ns(), origin.since_ns)) / 1e6;
    append_line(text, "  lease          descriptor %-5d %u on a slot received %.3f ms ago for %s:%u",
                origin.descriptor, references, age_ms, origin.where.file_name(),
                static_cast<unsigned>(origin.where.line()));
  });
}

std::string dump_of_silent(const metrics_registry::member& member) {
  const current_handler what = member.home->measured().now.read().value;
  std::string text = "loop " + member.name + " does not answer\n";
  if (what.has_operation)
    append_line(text, "  it runs the handler of %s on descriptor %d, awaited at %s:%u",
                name_of(what.kind).data(), what.descriptor, what.where.file_name(),
                static_cast<unsigned>(what.where.line()));
  else
    append_line(text, "  it is in phase %s", name_of(what.phase).data());
  return text;
}

} // namespace

std::string dump(const loop& of) {
  std::string text;
  append_line(text, "  turn %llu, %zu operations, %zu KiB of receive memory in use",
              static_cast<unsigned long long>(of.counters().turns.load()), of.outstanding(),
              of.buffers().bytes_in_use() / 1024);
  text += of.dump();
  append_streams(text, of);
  append_leases(text, of);
  append_owners(text, of);
  return text;
}

std::string dump_all(metrics_registry& loops, std::chrono::nanoseconds patience) {
  std::mutex gathering;
  std::map<std::string, std::string> answers;
  const auto gather = [&](const metrics_registry::member& member, loop& home) {
    std::string text = "loop " + member.name + " (" + member.backend + ")\n" + dump(home);
    const std::lock_guard lock(gathering);
    answers[member.name] = std::move(text);
  };
  (void)loops.visit_all(gather, patience);
  loops.for_each([&](const metrics_registry::member& each) {
    if (!answers.contains(each.name)) answers[each.name] = dump_of_silent(each);
  });
  std::string all;
  for (const auto& [name, text] : answers) all += text;
  return all;
}

void write_dump(std::string_view text) noexcept {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

task<result<>> dump_on_signal(signal_set told, std::function<void(std::string_view)> write,
                              metrics_registry& loops) {
  auto tell = [&] { write(dump_all(loops)); };
  for (;;) {
    result<signal_notice> notice = co_await told.next();
    if (!notice) co_return fail(std::move(notice).error());
    result<> done = co_await offload(pool_class::user, tell);
    if (!done) co_return done;
  }
}

} // namespace weir
