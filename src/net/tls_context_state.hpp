// What a tls_context holds: OpenSSL's context, and what its callbacks read.
#pragma once

#include "tls_openssl.hpp"

#include <weir/net/tls_context.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

class tls_context::state {
 public:
  state(ssl_context_ptr made, bool server);

  ssl_context_ptr ssl;
  std::uint64_t number; ///< no other context of this process has it, nor ever had
  bool is_server;
  bool verifies_peer = false;
  std::string protocols; ///< as ALPN writes them: each with its length in a byte before it
  chooser choose;        ///< of a server that has others to choose from, and no certificate of its own
};

} // namespace weir
