// privileges: from root to an ordinary user, for good, before the process does anything for strangers:
//
//   result<identity> nobody = identity::of_user("nobody");
//   result<> dropped = drop_privileges(*nobody); // after ports below 1024 are bound, before a loop is made
//
// Sets supplementary groups, group and user (real, effective and saved), takes all capabilities, and forbids
// new ones (no_new_privs: set-user-ID programs run without effect). Then it makes sure: what was set is read
// back, and a way back to root is tried and must fail. A process that was never root may be given its own
// identity: then only the rest is done.
//
// Rings come after: what they carry out, they carry out with the rights of whoever submits, but worker
// threads of the kernel and memory limits keep those of whoever made them. A process that has a ring or
// threads (no_new_privs binds those alone that are started afterwards) is refused, unchanged. After any other
// error the process is neither the one nor the other: it must end. Thread rule: a process with one thread.
// Source: credentials(7), capabilities(7), prctl(2).
#pragma once

#include <weir/base/result.hpp>

#include <sys/types.h>

#include <string>
#include <vector>

namespace weir {

struct identity {
  identity(uid_t as_user, gid_t as_group, std::vector<gid_t> in_groups = {})
      : user(as_user), group(as_group), groups(std::move(in_groups)) {}
  /// With the groups that the system's data base lists. An error names the user that is not there.
  static result<identity> of_user(const std::string& name);

  uid_t user;
  gid_t group;
  std::vector<gid_t> groups; ///< supplementary
};

/// errc::invalid_argument: to root, or too late. Other errors name the step that failed.
result<> drop_privileges(const identity& to);

} // namespace weir
