#include "systemd_environment.hpp"

#include <weir/runtime/systemd_sockets.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace weir {
namespace {

constexpr std::uint64_t sockets_max = 1024;

/// "http:https::admin" in its parts; one that is empty has no name.
std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t colon = 0; colon != std::string_view::npos; text.remove_prefix(colon + 1)) {
    colon = text.find(':');
    names.emplace_back(text.substr(0, colon));
    if (colon == std::string_view::npos) break;
  }
  return names;
}

} // namespace

result<std::vector<named_socket>> take_systemd_sockets(int first) {
  const auto process = take_environment("LISTEN_PID");
  const auto count_text = take_environment("LISTEN_FDS");
  const auto names_text = take_environment("LISTEN_FDNAMES");
  std::vector<named_socket> sockets;
  if (!process || !count_text) return sockets;
  const auto meant_for = parse_number(*process);
  if (!meant_for) return fail(error(errc::invalid_argument, "LISTEN_PID").at(*process));
  if (*meant_for != static_cast<std::uint64_t>(::getpid())) return sockets;
  const auto count = parse_number(*count_text);
  if (!count || *count > sockets_max)
    return fail(error(errc::invalid_argument, "LISTEN_FDS").at(*count_text));

  std::vector<std::string> names = names_text ? split_names(*names_text) : std::vector<std::string>();
  if (names_text && names.size() != *count)
    return fail(error(errc::invalid_argument, "LISTEN_FDNAMES").at(*names_text));
  names.resize(*count);
  for (std::size_t i = 0; i < *count; ++i) {
    const int number = first + static_cast<int>(i);
    const int flags = ::fcntl(number, F_GETFD);
    if (flags < 0 || ::fcntl(number, F_SETFD, flags | FD_CLOEXEC) != 0)
      return fail(error::from_errno(errno, "LISTEN_FDS").at(std::to_string(number)));
    sockets.emplace_back(std::move(names[i]), descriptor(number));
  }
  return sockets;
}

} // namespace weir
