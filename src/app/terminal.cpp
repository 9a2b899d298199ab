#include "terminal.hpp"

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace weir::app {

bool wants_colour(int descriptor) {
  const char* const refusal = std::getenv("NO_COLOR");
  const char* const kind = std::getenv("TERM");
  if (refusal && *refusal) return false;
  return kind && std::string_view(kind) != "dumb" && ::isatty(descriptor) == 1;
}

bool print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

bool write_line_or_skip(int descriptor, std::string_view line) {
  // A pipe is writable when it has room for PIPE_BUF bytes: the write is whole and does not wait (pipe(7)).
  pollfd room{descriptor, POLLOUT, 0};
  if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) return false;
  const std::string whole = std::string(line) + '\n';
  return ::write(descriptor, whole.data(), whole.size()) == static_cast<ssize_t>(whole.size());
}

} // namespace weir::app
