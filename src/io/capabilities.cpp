#include <weir/io/capabilities.hpp>

#include <array>

namespace weir {
namespace {

constexpr std::array<capability, 9> every_capability = {
    capability::defer_taskrun,    capability::multishot_accept,
    capability::provided_buffers, capability::multishot_receive,
    capability::bundles,          capability::send_zero_copy,
    capability::poll_first,       capability::files,
    capability::multishot_message};

/// Takes away what one word of WEIR_CAPABILITIES names; false for a word that means nothing.
bool take_away(capability_mask& mask, std::string_view word) noexcept {
  if (word == "none") {
    mask = capability_mask();
    return true;
  }
  if (word == "one_shot") {
    for (const capability which : {capability::multishot_accept, capability::multishot_receive,
                                   capability::bundles, capability::multishot_message})
      mask.remove(which);
    return true;
  }
  for (const capability which : every_capability) {
    if (word.empty() || word.front() != '-' || word.substr(1) != name_of(which)) continue;
    mask.remove(which);
    return true;
  }
  return false;
}

} // namespace

std::string_view name_of(capability which) noexcept {
  switch (which) {
  case capability::defer_taskrun:
    return "defer_taskrun";
  case capability::multishot_accept:
    return "multishot_accept";
  case capability::provided_buffers:
    return "provided_buffers";
  case capability::multishot_receive:
    return "multishot_receive";
  case capability::bundles:
    return "bundles";
  case capability::send_zero_copy:
    return "send_zero_copy";
  case capability::poll_first:
    return "poll_first";
  case capability::files:
    return "files";
  case capability::multishot_message:
    return "multishot_message";
  }
  return "unknown";
}

std::string capability_mask::to_string() const {
  std::string text;
  for (const capability which : every_capability) {
    if (!has(which)) continue;
    if (!text.empty()) text += ' ';
    text += name_of(which);
  }
  return text.empty() ? "none" : text;
}

result<capability_mask> capability_mask::parse(std::string_view text) {
  capability_mask mask = all();
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    if (!take_away(mask, word))
      return fail(error(errc::invalid_argument, "capabilities").at("'" + std::string(word) + "'"));
  }
  return mask;
}

} // namespace weir
