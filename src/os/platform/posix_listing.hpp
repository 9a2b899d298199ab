// posix_listing: the entries of a directory at one time, and what has changed between two times, where the
// system tells only that something has. Thread rule: a value.
//
// A file is known by its number in its file system. One that got the number of another that was removed in
// the same interval looks as if that had been renamed.
#pragma once

#include <weir/base/result.hpp>
#include <weir/os/file_watch.hpp>

#include <dirent.h>
#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weir {

/// Numbers of files by name.
using directory_listing = std::map<std::string, ino_t>;

/// Reads a directory again and again.
class directory_stream {
 public:
  /// Of a copy of this descriptor.
  result<> open(int directory);
  explicit operator bool() const noexcept { return stream_ != nullptr; }

  /// Nothing where the directory has gone.
  result<directory_listing> list();

 private:
  struct close {
    void operator()(DIR* stream) const noexcept { ::closedir(stream); }
  };
  std::unique_ptr<DIR, close> stream_;
};

struct entry_change {
  file_change_kind what;
  const std::string* name;           ///< in one of the listings, as the next is
  const std::string* was_renamed_to; ///< its other half, where it is `moved_from`; else null
};

/// In the order of names: what went and what was renamed, then what came. A name that is another file than
/// before, and no rename of one that was there, has `moved_to`.
std::vector<entry_change> changes_between(const directory_listing& before, const directory_listing& now);

} // namespace weir
