// peer_name: how reports call a connection: by the name that it has, else by the address of its peer.
#pragma once

#include <weir/io/memory_holder.hpp>
#include <weir/net/address.hpp>

namespace weir {

/// Costs a system call where it has no name: for those that are shown.
inline void name_by_peer(held_memory& held) {
  if (!held.name.empty()) return;
  if (const auto peer = address::remote_of(held.descriptor)) held.name = peer->to_string();
}

} // namespace weir
