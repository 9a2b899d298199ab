// passed_files: files whose descriptors travel with a message of the unix domain (SCM_RIGHTS, unix(7)). They
// stay open on the way, also when the sender closes its own descriptors.
//
// Thread rule: the world's thread. Bound: 253 a message, as in Linux.
#pragma once

#include <weir/sim/file.hpp>

#include <sys/socket.h>

#include <vector>

namespace weir::sim {

class host;

/// Counts as a descriptor of its file.
class passed_file {
 public:
  explicit passed_file(file& of) noexcept;
  passed_file(passed_file&&) noexcept = default;
  passed_file& operator=(passed_file&& other) noexcept;
  ~passed_file();

  const file_ref& what() const noexcept { return what_; }

 private:
  file_ref what_;
};

/// Those that the control data of `sent` names; 0, or -EBADF, -EINVAL.
int take_passed_files(host& from, const msghdr& sent, std::vector<passed_file>& into);

/// Gives them descriptors of `to`, as many as the control memory of `into` has room for, and marks what is
/// lost (MSG_CTRUNC). Sets the length of the control data.
void give_passed_files(host& to, std::vector<passed_file>& files, msghdr& into) noexcept;

} // namespace weir::sim
