#include <weir/io/slow_handlers.hpp>

#include <algorithm>
#include <string_view>

namespace weir {
namespace {

bool is_same_line(const std::source_location& one, const std::source_location& other) noexcept {
  return one.line() == other.line() && one.column() == other.column() &&
         std::string_view(one.file_name()) == other.file_name();
}

} // namespace

void slow_handlers::note(operation_kind kind, const std::source_location& where,
                         std::uint64_t took_ns) noexcept {
  seqlock<entry>* place = nullptr;
  entry known;
  for (seqlock<entry>& each : entries_) {
    const entry found = each.read().value;
    const bool is_it = found.count != 0 && found.of_kind() == kind && is_same_line(found.where, where);
    if (!is_it && place && found.max_ns >= known.max_ns) continue;
    place = &each;
    known = found;
    if (is_it) break;
  }
  const bool is_known = known.count != 0 && known.of_kind() == kind && is_same_line(known.where, where);
  if (!is_known) {
    if (known.max_ns >= took_ns) return; // all places are taken by slower ones
    known = entry{};
    known.where = where;
    known.kind = static_cast<std::uint64_t>(kind);
  }
  ++known.count;
  known.total_ns += took_ns;
  known.max_ns = std::max(known.max_ns, took_ns);
  place->write(known);
}

std::vector<slow_handlers::entry> slow_handlers::list() const {
  std::vector<entry> found;
  for (const seqlock<entry>& each : entries_)
    if (const entry seen = each.read().value; seen.count != 0) found.push_back(seen);
  std::ranges::sort(found, std::ranges::greater{}, &entry::max_ns);
  return found;
}

} // namespace weir
