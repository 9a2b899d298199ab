// passed_message: bytes from a unix-domain socket, with the descriptors and the credentials that came along
// (SCM_RIGHTS, SCM_CREDENTIALS, unix(7)).
//
// Descriptors are owned from the moment at which the kernel hands them over, and close-on-exec. Bound:
// `descriptors_max` a message; what is beyond is closed, and so are all where memory is short:
// `were_descriptors_lost` says so.
#pragma once

#include <weir/base/lease.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/net/address.hpp>

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace weir {

/// Who sent it, as the kernel vouches.
struct peer_credentials {
  pid_t process = 0;
  uid_t user = 0;
  gid_t group = 0;
};

/// What came beside the bytes.
struct passed_along {
  passed_along() = default;

  std::vector<descriptor> descriptors;
  bool were_descriptors_lost = false;
  std::optional<peer_credentials> credentials; ///< where the options asked for them
};

struct passed_message {
  passed_message() = default;

  lease bytes;  ///< may be empty: a datagram without bytes is one
  address from; ///< family() is 0 where the sender has no name
  bool is_truncated = false;
  passed_along along;
};

/// The kernel passes no more at once (SCM_MAX_FD).
inline constexpr std::size_t descriptors_limit = 253;

} // namespace weir
