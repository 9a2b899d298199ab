// kqueue_event_queue: a small kqueue, which is itself readable for as long as an event is pending in it: what
// signals, children and watched files are waited for by, in a loop of any backend. Thread rule: that of
// kevent(2), any. Inherited neither by fork nor by exec.
#pragma once

#include "../../io/kqueue_event.hpp"
#include "kqueue_readable_face.hpp"

#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>

#include <span>

namespace weir {

result<descriptor> open_event_queue();

/// 0 or the error as a negative number, as all of these.
int change_event(int queue, const kernel_event& change) noexcept;
/// Makes it readable until its events are taken (EVFILT_USER).
int make_readable(int queue) noexcept;
/// Takes what is pending; how many events that are.
int take_events(int queue, std::span<kernel_event> into) noexcept;

} // namespace weir
