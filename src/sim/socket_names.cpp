#include <weir/sim/disk.hpp>
#include <weir/sim/file.hpp>
#include <weir/sim/socket_names.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

namespace weir::sim {
namespace {

/// Whether a socket that is bound to `at` gets what is sent to `to`.
bool covers(const socket_address& at, const socket_address& to) noexcept {
  if (at.port() != to.port() || at.family() != to.family()) return false;
  return at.is_any() || to.is_any() || at.is_same_host(to);
}

} // namespace

int socket_names::bind(file& socket, int type, socket_address& at, bool shares) {
  if (at.is_unix()) return bind_unix(socket, type, at);
  if (at.port() == 0) at.set_port(ephemeral_port(type));
  if (is_taken(type, at, shares)) return -EADDRINUSE;
  ports_.push_back({&socket, type, at, shares});
  return 0;
}

bool socket_names::is_taken(int type, const socket_address& at, bool shares) const noexcept {
  return std::ranges::any_of(ports_, [&](const bound& each) {
    return each.type == type && (covers(each.at, at) || covers(at, each.at)) && !(shares && each.shares);
  });
}

std::uint16_t socket_names::ephemeral_port(int type) noexcept {
  for (;;) {
    const std::uint16_t port = next_port_;
    next_port_ = port == last_ephemeral_port ? first_ephemeral_port : static_cast<std::uint16_t>(port + 1);
    const bool is_bound = std::ranges::any_of(
        ports_, [&](const bound& each) { return each.type == type && each.at.port() == port; });
    if (!is_bound) return port;
  }
}

int socket_names::bind_unix(file& socket, int type, socket_address& at) {
  std::string name(at.unix_name());
  if (name.empty()) { // a name of the abstract namespace: five digits (unix(7))
    char digits[8] = "";
    std::snprintf(digits, sizeof digits, "%05x", next_name_++);
    name.assign(1, '\0').append(digits);
    sockaddr_un raw{};
    raw.sun_family = AF_UNIX;
    std::memcpy(raw.sun_path, name.data(), name.size());
    at = socket_address(reinterpret_cast<const sockaddr*>(&raw),
                        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
  }
  const bool is_abstract = name.front() == '\0';
  struct statx found;
  if (!is_abstract && storage_.status(nullptr, name.c_str(), AT_SYMLINK_NOFOLLOW, found) == 0)
    return -EADDRINUSE;
  auto& names = is_abstract ? abstract_ : paths_;
  return names.try_emplace(name, named{&socket, type}).second ? 0 : -EADDRINUSE;
}

void socket_names::unbind(file& socket) noexcept {
  std::erase_if(ports_, [&](const bound& each) { return each.socket == &socket; });
  std::erase_if(abstract_, [&](const auto& each) { return each.second.socket == &socket; });
  for (auto& [path, who] : paths_)
    if (who.socket == &socket) who.socket = nullptr;
}

file* socket_names::find(int type, const socket_address& to) noexcept {
  if (to.is_unix()) {
    const std::string name(to.unix_name());
    const auto& names = name.starts_with('\0') ? abstract_ : paths_;
    const auto found = names.find(name);
    return found != names.end() && found->second.type == type ? found->second.socket : nullptr;
  }
  const auto is_it = [&](const bound& each) { return each.type == type && covers(each.at, to); };
  const auto found = std::ranges::find_if(ports_, is_it);
  if (found == ports_.end()) return nullptr;
  const auto sharing = std::ranges::count_if(ports_, is_it);
  auto wanted = sharing > 1 ? static_cast<std::ptrdiff_t>(turn_++ % static_cast<std::size_t>(sharing)) : 0;
  for (const bound& each : ports_)
    if (is_it(each) && wanted-- == 0) return each.socket;
  return found->socket;
}

void socket_names::forget_sockets() noexcept {
  ports_.clear();
  abstract_.clear();
  for (auto& [path, who] : paths_) who.socket = nullptr;
}

} // namespace weir::sim
