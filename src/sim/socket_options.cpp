#include <weir/sim/socket_options.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weir::sim {
namespace {

// What Linux gives, doubled as it does for its own needs (socket(7)).
constexpr int default_send_bytes = 64 << 10;
constexpr int default_receive_bytes = 128 << 10;
constexpr int least_buffer_bytes = 4608;

} // namespace

int answer_option(int answer, void* value, socklen_t* bytes) noexcept {
  const auto room = std::min<std::size_t>(*bytes, sizeof answer);
  std::memcpy(value, &answer, room);
  *bytes = static_cast<socklen_t>(room);
  return 0;
}

int socket_options::set(int level, int name, const void* value, socklen_t bytes) {
  if (level == SOL_SOCKET && name == SO_LINGER) {
    if (bytes < sizeof(linger)) return -EINVAL;
    linger_.emplace();
    std::memcpy(&*linger_, value, sizeof(linger));
    return 0;
  }
  int wanted = 0;
  if (value) std::memcpy(&wanted, value, std::min<std::size_t>(bytes, sizeof wanted));
  if (level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_RCVBUF))
    wanted = std::max(2 * wanted, least_buffer_bytes);
  const auto found =
      std::ranges::find_if(set_, [&](const one& each) { return each.level == level && each.name == name; });
  if (found != set_.end())
    found->value = wanted;
  else
    set_.push_back({level, name, wanted});
  return 0;
}

int socket_options::number(int level, int name, int otherwise) const noexcept {
  const auto found =
      std::ranges::find_if(set_, [&](const one& each) { return each.level == level && each.name == name; });
  return found != set_.end() ? found->value : otherwise;
}

int socket_options::get(int level, int name, void* value, socklen_t* bytes) const noexcept {
  if (level == SOL_SOCKET && name == SO_SNDBUF)
    return answer_option(static_cast<int>(send_bytes_max()), value, bytes);
  if (level == SOL_SOCKET && name == SO_RCVBUF)
    return answer_option(static_cast<int>(receive_bytes_max()), value, bytes);
  return answer_option(number(level, name), value, bytes);
}

std::size_t socket_options::send_bytes_max() const noexcept {
  return static_cast<std::size_t>(number(SOL_SOCKET, SO_SNDBUF, default_send_bytes));
}

std::size_t socket_options::receive_bytes_max() const noexcept {
  return static_cast<std::size_t>(number(SOL_SOCKET, SO_RCVBUF, default_receive_bytes));
}

} // namespace weir::sim
