// kqueue_readable_face: the descriptor by which poll(2) and other queues see that a kqueue has events: the
// kqueue itself, but for an emulation of it (libkqueue), whose queues are not readable. Thread rule: any.
#pragma once

#include <sys/event.h>

namespace weir {

#ifdef LIBKQUEUE
int readable_face(int queue) noexcept;
#else
inline int readable_face(int queue) noexcept {
  return queue;
}
#endif

} // namespace weir
