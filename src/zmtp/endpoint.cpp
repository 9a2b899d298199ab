#include <weir/base/error.hpp>
#include <weir/zmtp/endpoint.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace weir::zmtp {
namespace {

constexpr bool is_printable(char letter) noexcept {
  return letter > ' ' && letter < 0x7f;
}

/// The broken rule, or null. A zone ("%eth0") may follow the address. Whether it is an address at all is for
/// the resolver to say.
const char* broken_host_rule(std::string_view host, bool in_brackets) noexcept {
  if (host.empty()) return "endpoint: no host";
  if (!std::ranges::all_of(host, is_printable) || host.find_first_of("/[]") != std::string_view::npos)
    return "endpoint: host with a forbidden character";
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (in_brackets && !has_colon) return "endpoint: brackets around what is no IPv6 address";
  if (!in_brackets && has_colon) return "endpoint: IPv6 address without brackets";
  return nullptr;
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  if (text == "*") return std::uint16_t{0};
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

result<endpoint> parse_tcp(std::string_view address) {
  if (address.find(';') != std::string_view::npos)
    return fail(std::errc::not_supported, "endpoint: source address before ';'");
  // From the right, because an IPv6 address has colons of its own.
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || address.ends_with(']'))
    return fail(errc::invalid_argument, "endpoint: no port");

  std::string_view host = address.substr(0, colon);
  const bool in_brackets = host.starts_with('[') && host.ends_with(']');
  if (in_brackets) host = host.substr(1, host.size() - 2);
  if (const char* rule = broken_host_rule(host, in_brackets)) return fail(errc::invalid_argument, rule);
  const auto port = parse_port(address.substr(colon + 1));
  if (!port) return fail(errc::invalid_argument, "endpoint: port is neither '*' nor a number up to 65535");
  return endpoint(std::string(host), *port);
}

result<endpoint> parse_path(transport kind, std::string_view path) {
  if (path.empty() || (kind == transport::ipc && path == "@"))
    return fail(errc::invalid_argument, "endpoint: no path or name");
  if (path.find('\0') != std::string_view::npos)
    return fail(errc::invalid_argument, "endpoint: null in the path or name");
  return endpoint(kind, std::string(path));
}

result<endpoint> parse(std::string_view text) {
  constexpr std::string_view separator = "://";
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return fail(errc::invalid_argument, "endpoint: no '://'");
  const std::string_view name = text.substr(0, at);
  const std::string_view address = text.substr(at + separator.size());
  if (name == name_of(transport::tcp)) return parse_tcp(address);
  if (name == name_of(transport::ipc)) return parse_path(transport::ipc, address);
  if (name == name_of(transport::inproc)) return parse_path(transport::inproc, address);
  return fail(std::errc::protocol_not_supported, "endpoint: transport is none of tcp, ipc, inproc");
}

} // namespace

std::string_view name_of(transport kind) noexcept {
  switch (kind) {
  case transport::tcp:
    return "tcp";
  case transport::ipc:
    return "ipc";
  case transport::inproc:
    return "inproc";
  }
  return "";
}

result<endpoint> parse_endpoint(std::string_view text) {
  auto parsed = parse(text);
  if (!parsed) return fail(std::move(parsed.error()).at(text));
  return parsed;
}

std::string to_string(const endpoint& where) {
  std::string text(name_of(where.kind));
  text += "://";
  if (where.kind != transport::tcp) return text + where.path;
  const bool needs_brackets = where.host.find(':') != std::string::npos;
  text += needs_brackets ? "[" + where.host + "]" : where.host;
  return text + ":" + (where.port == 0 ? "*" : std::to_string(where.port));
}

} // namespace weir::zmtp
