#include <weir/fs/open_options.hpp>

#include <fcntl.h>

namespace weir::fs {
namespace {

int flags_of(access wanted) noexcept {
  switch (wanted) {
  case access::read:
    return O_RDONLY;
  case access::write:
    return O_WRONLY;
  case access::read_write:
    break;
  }
  return O_RDWR;
}

int flags_of(creation how) noexcept {
  switch (how) {
  case creation::never:
    break;
  case creation::if_missing:
    return O_CREAT;
  case creation::always_new:
    return O_CREAT | O_EXCL;
  case creation::emptied:
    return O_CREAT | O_TRUNC;
  }
  return 0;
}

} // namespace

int open_options::flags() const noexcept {
  int flags = flags_of(access_) | flags_of(creation_) | O_NOCTTY;
  if (is_direct_) flags |= O_DIRECT;
  if (is_synchronous_) flags |= O_DSYNC;
  return flags;
}

} // namespace weir::fs
