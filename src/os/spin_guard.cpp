#include "spin_guard.hpp"

#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>

namespace weir {
namespace {

bool is_still_ready(int descriptor, std::uint32_t events) noexcept {
  pollfd asked{};
  asked.fd = static_cast<decltype(asked.fd)>(descriptor); // of Winsock it is wider
  asked.events = static_cast<short>(events);
  return calls().poll(&asked, 1, 0) == 1;
}

} // namespace

spin_guard::waiting_bytes spin_guard::bytes_of(int descriptor) noexcept {
  waiting_bytes seen;
  if (calls().ioctl(descriptor, FIONREAD, &seen.unread) != 0) seen.unread = 0;
  if (calls().ioctl(descriptor, TIOCOUTQ, &seen.unsent) != 0) seen.unsent = 0;
  return seen;
}

void spin_guard::before_call(int descriptor, std::uint64_t turn) noexcept {
  turns_ = turn == last_turn_ + 1 ? turns_ + 1 : 1;
  last_turn_ = turn;
  if (is_suspicious()) bytes_before_ = bytes_of(descriptor);
}

bool spin_guard::after_call(int descriptor, std::uint32_t called_for) noexcept {
  if (!is_suspicious()) return false;
  if (!is_still_ready(descriptor, called_for) || bytes_of(descriptor) != bytes_before_) {
    turns_ = 0;
    return false;
  }
  has_reported_ = turns_ >= turns_max_;
  return has_reported_;
}

} // namespace weir
