// remove_stale_path: makes room for a unix-domain socket where a process that is gone has left its path: a
// socket at which nobody answers a connect. What is no socket refuses connects as well, and stays.
//
// Thread rule: any. Does not block. Throws std::bad_alloc. Source: unix(7).
#pragma once

#include <weir/net/address.hpp>

namespace weir {

/// `at`: a path, not an abstract name. `type`: SOCK_STREAM or SOCK_DGRAM, as the socket that is to be bound.
void remove_stale_path(const address& at, int type);

} // namespace weir
