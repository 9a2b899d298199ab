// How a file is opened: `open_options(access::read_write).creating(creation::if_missing).direct()`.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace weir::fs {

enum class access : std::uint8_t { read, write, read_write };

enum class creation : std::uint8_t {
  never,      ///< it has to be there
  if_missing, ///< made empty when it is not there
  always_new, ///< an error when it is there (O_EXCL)
  emptied,    ///< made when it is not there, emptied when it is (O_TRUNC)
};

class open_options {
 public:
  open_options(access wanted = access::read) noexcept : access_(wanted) {} // a plain `access` will do

  open_options creating(creation how) const noexcept { return changed(&open_options::creation_, how); }
  /// Of a file that is made; less what the process's umask takes away.
  open_options permissions(mode_t bits) const noexcept { return changed(&open_options::permissions_, bits); }
  /// Past the page cache (O_DIRECT): offsets, lengths and memory must be aligned (file::alignment).
  open_options direct() const noexcept { return changed(&open_options::is_direct_, true); }
  /// Each write is on the disk when it completes, as with sync_data (O_DSYNC).
  open_options synchronous() const noexcept { return changed(&open_options::is_synchronous_, true); }

  bool is_direct() const noexcept { return is_direct_; }
  /// In the terms of open(2).
  int flags() const noexcept;
  mode_t mode() const noexcept { return permissions_; }

 private:
  template <class T>
  open_options changed(T open_options::* member, T value) const noexcept {
    open_options other = *this;
    other.*member = value;
    return other;
  }

  access access_;
  creation creation_ = creation::never;
  mode_t permissions_ = 0666;
  bool is_direct_ = false;
  bool is_synchronous_ = false;
};

} // namespace weir::fs
