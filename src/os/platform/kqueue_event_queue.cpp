#include "kqueue_event_queue.hpp"

#include <fcntl.h>

#include <cerrno>

namespace weir {

result<descriptor> open_event_queue() {
  descriptor queue(::kqueue());
  if (!queue) return fail(error::from_errno(errno, "kqueue"));
  if (::fcntl(queue.get(), F_SETFD, FD_CLOEXEC) < 0) return fail(error::from_errno(errno, "fcntl"));
  return queue;
}

int change_event(int queue, const kernel_event& change) noexcept {
  return ::kevent(queue, &change, 1, nullptr, 0, &no_time) < 0 ? -errno : 0;
}

int make_readable(int queue) noexcept {
  const int added = change_event(queue, event_of(0, EVFILT_USER, EV_ADD | EV_CLEAR));
  return added < 0 ? added : change_event(queue, event_of(0, EVFILT_USER, 0, NOTE_TRIGGER));
}

int take_events(int queue, std::span<kernel_event> into) noexcept {
  const int count = ::kevent(queue, nullptr, 0, into.data(), static_cast<int>(into.size()), &no_time);
  return count < 0 ? -errno : count;
}

} // namespace weir
