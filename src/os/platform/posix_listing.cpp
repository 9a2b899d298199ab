#include "posix_listing.hpp"

#include <weir/io/descriptor.hpp>

#include <fcntl.h>

#include <cerrno>
#include <string_view>

namespace weir {
namespace {

bool has(const directory_listing& listing, const std::string& name, ino_t file) {
  const auto found = listing.find(name);
  return found != listing.end() && found->second == file;
}

} // namespace

result<> directory_stream::open(int directory) {
  descriptor copy(::fcntl(directory, F_DUPFD_CLOEXEC, 0));
  if (!copy) return fail(error::from_errno(errno, "fcntl"));
  stream_.reset(::fdopendir(copy.get()));
  if (!stream_) return fail(error::from_errno(errno, "fdopendir"));
  copy.release();
  return {};
}

result<directory_listing> directory_stream::list() {
  directory_listing found;
  ::rewinddir(stream_.get());
  errno = 0;
  while (const dirent* const entry = ::readdir(stream_.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") found.emplace(name, entry->d_ino);
    errno = 0;
  }
  if (errno != 0 && errno != ENOENT) return fail(error::from_errno(errno, "readdir"));
  return found;
}

std::vector<entry_change> changes_between(const directory_listing& before, const directory_listing& now) {
  std::multimap<ino_t, const std::string*> came;
  for (const auto& [name, file] : now)
    if (!has(before, name, file)) came.emplace(file, &name);

  std::vector<entry_change> changes;
  for (const auto& [name, file] : before) {
    if (has(now, name, file)) continue;
    if (const auto renamed = came.find(file); renamed != came.end()) {
      changes.push_back({file_change_kind::moved_from, &name, renamed->second});
      came.erase(renamed);
    } else if (!now.contains(name)) {
      changes.push_back({file_change_kind::removed, &name, nullptr});
    }
  }
  std::map<std::string_view, const std::string*> by_name;
  for (const auto& [file, name] : came) by_name.emplace(*name, name);
  for (const auto& [text, name] : by_name) {
    const bool was_there = before.contains(*name);
    changes.push_back({was_there ? file_change_kind::moved_to : file_change_kind::created, name, nullptr});
  }
  return changes;
}

} // namespace weir
