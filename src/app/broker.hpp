// broker: the proxy of `weir proxy` (zmtp/proxy.hpp) as its command line asks for it: its endpoints, its
// bounds, and what goes wrong with its peers.
//
// Thread rule and lifetime: made on a loop, closed before it is destroyed (proxy.hpp).
#pragma once

#include "proxy_options.hpp"

#include <weir/base/result.hpp>
#include <weir/zmtp/proxy.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace weir::app {

struct broker_totals {
  zmtp::proxy_traffic requests;
  zmtp::proxy_traffic replies;
  std::uint64_t dropped = 0;
  std::size_t frontend_peers = 0;
  std::size_t backend_peers = 0;
  std::size_t memory_bytes = 0; ///< of the buffer pools: those in use
};

/// What went wrong with peers since somebody asked, without a line for each: hostile ones are many.
struct broker_troubles {
  std::uint64_t count = 0;
  std::string latest;
};

class broker {
 public:
  explicit broker(const proxy_options& options);

  /// Listens and connects everywhere. An error names the endpoint; closing the proxy is due all the same.
  result<> open();
  const std::vector<std::string>& frontend_endpoints() const noexcept { return frontend_endpoints_; }
  const std::vector<std::string>& backend_endpoints() const noexcept { return backend_endpoints_; }

  zmtp::proxy& proxy() noexcept { return proxy_; }

  /// No connection is accepted any more, and troubles are not kept from here on.
  void refuse_newcomers() noexcept;

  broker_totals totals() const;
  broker_troubles take_troubles() { return std::exchange(troubles_, broker_troubles{}); }

 private:
  zmtp::proxy_options options_of_proxy();
  result<> attach(zmtp::socket& socket, const proxy_endpoint& where, std::vector<std::string>& names);
  void note(const zmtp::socket_event& what) noexcept;

  const proxy_options& options_;
  loop& home_;
  zmtp::proxy proxy_;
  std::vector<std::string> frontend_endpoints_; ///< what was bound, with the ports that the system chose
  std::vector<std::string> backend_endpoints_;
  broker_troubles troubles_;
  bool refuses_newcomers_ = false;
};

} // namespace weir::app
