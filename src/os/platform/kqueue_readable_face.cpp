#include "kqueue_readable_face.hpp"

#ifdef LIBKQUEUE

#include <sys/epoll.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstring>

namespace weir {
namespace {

/// Whether a descriptor is an epoll(7) set that reads this file (proc(5)); what watches for its end does not.
bool is_set_with(int number, const char* file) noexcept {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", number);
  std::FILE* const told = std::fopen(path, "re");
  if (!told) return false;
  char line[256];
  bool is_found = false;
  while (!is_found && std::fgets(line, sizeof line, told)) {
    unsigned events = 0;
    const bool is_entry = std::sscanf(line, "tfd: %*d events: %x", &events) == 1;
    is_found = is_entry && (events & EPOLLIN) && std::strstr(line, file);
  }
  std::fclose(told);
  return is_found;
}

} // namespace

/// A queue's number is that of a pipe, by which the emulation sees it closed. Its events are in a set of
/// epoll(7) that was made just before, when no lower number was free.
int readable_face(int queue) noexcept {
  struct stat pipe{};
  if (::fstat(queue, &pipe) < 0) return -1;
  char file[32];
  std::snprintf(file, sizeof file, " ino:%lx ", static_cast<unsigned long>(pipe.st_ino));
  int number = queue - 1;
  while (number >= 0 && !is_set_with(number, file)) --number;
  return number;
}

} // namespace weir

#endif
