// kqueue_event: what kevent(2) is given and gives. The members differ in type between systems, and so does
// what EV_SET(2) casts to.
#pragma once

#include <sys/event.h>

#include <cstdint>
#include <ctime>

namespace weir {

using kernel_event = struct ::kevent;

inline constexpr timespec no_time{};

inline kernel_event event_of(std::uintptr_t ident, int filter, int flags,
                             unsigned filter_flags = 0) noexcept {
  kernel_event out{};
  out.ident = ident;
  out.filter = static_cast<decltype(out.filter)>(filter);
  out.flags = static_cast<decltype(out.flags)>(flags);
  out.fflags = static_cast<decltype(out.fflags)>(filter_flags);
  return out;
}

} // namespace weir
