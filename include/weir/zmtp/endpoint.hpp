// endpoint: where a socket binds or connects, as text and taken apart. Nothing is resolved or opened here.
//
//   tcp://host:port      host: name, address, interface, [IPv6 address] or *   port: 1 to 65535, or * for any
//   ipc://path           a file system path, or * for one that the system chooses
//   ipc://@name          a name in Linux' abstract namespace
//   inproc://name        within the process
#pragma once

#include <weir/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace weir::zmtp {

enum class transport : std::uint8_t { tcp, ipc, inproc };
std::string_view name_of(transport kind) noexcept;

struct endpoint {
  endpoint() = default;
  /// tcp.
  endpoint(std::string host_name, std::uint16_t port_number)
      : host(std::move(host_name)), port(port_number) {}
  /// ipc or inproc.
  endpoint(transport of_kind, std::string path_or_name) : kind(of_kind), path(std::move(path_or_name)) {}

  /// An address that only binding can use: it leaves a choice to the system.
  bool is_wildcard() const noexcept {
    return kind == transport::tcp ? host == "*" || port == 0 : kind == transport::ipc && path == "*";
  }

  friend bool operator==(const endpoint&, const endpoint&) = default;

  transport kind = transport::tcp;
  std::string host;       ///< tcp: without brackets; "*" for all interfaces
  std::uint16_t port = 0; ///< tcp: 0 for any
  std::string path;       ///< ipc: with its '@' if abstract; inproc: the name
};

/// Fails with std::errc::protocol_not_supported for other transports, std::errc::not_supported for a source
/// address ("tcp://source;target"), errc::invalid_argument for the rest. The error says what is wrong and
/// carries the text. Allocates.
result<endpoint> parse_endpoint(std::string_view text);

/// The canonical text: `parse_endpoint` gives the same endpoint back.
std::string to_string(const endpoint& where);

} // namespace weir::zmtp
