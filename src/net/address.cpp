#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/address.hpp>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace weir {
namespace {

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);

template <class Sockaddr>
address address_of(const Sockaddr& raw, std::size_t bytes = sizeof(Sockaddr)) {
  return {reinterpret_cast<const sockaddr*>(&raw), static_cast<socklen_t>(bytes)};
}

using name_query = int (system_calls::*)(int, sockaddr*, socklen_t*) noexcept;

result<address> ask(name_query query, int descriptor, const char* operation) {
  sockaddr_storage raw{};
  socklen_t bytes = sizeof raw;
  if ((calls().*query)(descriptor, reinterpret_cast<sockaddr*>(&raw), &bytes) != 0)
    return fail(error::from_errno(errno, operation));
  return address(reinterpret_cast<const sockaddr*>(&raw), bytes);
}

} // namespace

address::address(const sockaddr* raw, socklen_t raw_bytes) noexcept : bytes_(raw_bytes) {
  std::memcpy(&storage_, raw, static_cast<std::size_t>(raw_bytes));
}

result<address> address::ip(std::string_view host, std::uint16_t port) {
  // inet_pton(3) would stop reading at a null.
  const bool is_text = host.find('\0') == std::string_view::npos;
  const std::string text(!is_text ? "" : host == "*" ? "0.0.0.0" : host);
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return address_of(v4);
  }
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    return address_of(v6);
  }
  return fail(error(errc::invalid_argument, "not an IP address").at(host));
}

result<address> address::parse_ip(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(error(errc::invalid_argument, "no port in").at(text));
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool in_brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  // Without brackets the last group of an IPv6 address could be meant for the port.
  if (in_brackets != (host.find(':') != std::string_view::npos))
    return fail(
        error(errc::invalid_argument, "brackets belong around IPv6 addresses, and only there").at(text));

  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failure != std::errc{} || end != digits.data() + digits.size())
    return fail(error(errc::invalid_argument, "not a port").at(digits));
  return ip(host, port);
}

result<address> address::unix_path(std::string_view path) {
  sockaddr_un raw{};
  if (path.empty()) return fail(errc::invalid_argument, "an empty socket path");
  if (path.find('\0') != std::string_view::npos)
    return fail(error(errc::invalid_argument, "null in the socket path").at(path));
  if (path.size() >= sizeof raw.sun_path)
    return fail(error(std::errc::filename_too_long, "socket path").at(path));
  raw.sun_family = AF_UNIX;
  std::memcpy(raw.sun_path, path.data(), path.size());
  return address_of(raw, path_offset + path.size() + 1);
}

result<address> address::unix_abstract(std::string_view name) {
  sockaddr_un raw{};
  if (name.empty()) return fail(errc::invalid_argument, "an empty abstract socket name");
  if (name.size() >= sizeof raw.sun_path)
    return fail(error(std::errc::filename_too_long, "abstract socket name").at(name));
  raw.sun_family = AF_UNIX;
  std::memcpy(raw.sun_path + 1, name.data(), name.size());
  return address_of(raw, path_offset + 1 + name.size());
}

result<address> address::local_of(int descriptor) {
  return ask(&system_calls::getsockname, descriptor, "getsockname");
}

result<address> address::remote_of(int descriptor) {
  return ask(&system_calls::getpeername, descriptor, "getpeername");
}

bool address::is_loopback() const noexcept {
  constexpr std::uint8_t loopback_network = 127;
  if (family() == AF_INET)
    return ntohl(reinterpret_cast<const sockaddr_in&>(storage_).sin_addr.s_addr) >> 24 == loopback_network;
  if (family() != AF_INET6) return false;
  const in6_addr& host = reinterpret_cast<const sockaddr_in6&>(storage_).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&host) || (IN6_IS_ADDR_V4MAPPED(&host) && host.s6_addr[12] == loopback_network);
}

std::uint16_t address::port() const noexcept {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port);
  return 0;
}

/// Of a unix-domain address; 0 for a socket that has no name.
std::size_t address::path_bytes() const noexcept {
  const auto all = static_cast<std::size_t>(bytes_);
  return is_unix() && all > path_offset ? all - path_offset : 0;
}

std::string address::unix_path() const {
  const auto& raw = reinterpret_cast<const sockaddr_un&>(storage_);
  if (path_bytes() == 0 || raw.sun_path[0] == '\0') return {};
  return {raw.sun_path, ::strnlen(raw.sun_path, path_bytes())};
}

std::string address::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET)
    return ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage_).sin_addr, text, sizeof text);
  if (family() == AF_INET6)
    return ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(storage_).sin6_addr, text,
                       sizeof text);
  const auto& raw = reinterpret_cast<const sockaddr_un&>(storage_);
  if (path_bytes() > 0 && raw.sun_path[0] == '\0')
    return "@" + std::string(raw.sun_path + 1, path_bytes() - 1);
  return unix_path();
}

std::string address::to_string() const {
  if (family() == AF_INET) return host() + ":" + std::to_string(port());
  if (family() == AF_INET6) return "[" + host() + "]:" + std::to_string(port());
  return host();
}

} // namespace weir
