#include "worker_terms.hpp"

#include "systemd_environment.hpp"

namespace weir {
namespace {

/// What stands before the next separator; the text goes on behind it.
std::string_view take_word(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

} // namespace

std::string worker_terms::to_string() const {
  std::string text = std::to_string(number) + " " + std::to_string(alive_every.count()) + " " +
                     std::to_string(drain_within.count()) + " ";
  for (const std::string& name : sockets) text += name + ":";
  return text;
}

std::optional<worker_terms> worker_terms::parse(std::string_view text) {
  const auto number = parse_number(take_word(text, ' '));
  const auto alive_ms = parse_number(take_word(text, ' '));
  const auto drain_ms = parse_number(take_word(text, ' '));
  if (!number || !alive_ms || !drain_ms) return std::nullopt;
  worker_terms terms;
  terms.number = static_cast<unsigned>(*number);
  terms.alive_every = std::chrono::milliseconds(*alive_ms);
  terms.drain_within = std::chrono::milliseconds(*drain_ms);
  while (!text.empty()) terms.sockets.emplace_back(take_word(text, ':'));
  return terms;
}

} // namespace weir
