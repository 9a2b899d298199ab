#include <weir/io/descriptor.hpp>
#include <weir/io/platform/files.hpp>
#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/stale_path.hpp>

#include <cerrno>
#include <string>

namespace weir {

void remove_stale_path(const address& at, int type) {
  const std::string path = at.unix_path();
  struct stat found;
  if (calls().lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return;
  const descriptor probe(calls().socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe && calls().connect(probe.get(), at.raw(), at.raw_bytes()) != 0 && errno == ECONNREFUSED)
    calls().unlink(path.c_str());
}

} // namespace weir
