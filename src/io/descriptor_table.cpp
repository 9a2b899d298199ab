#include "descriptor_table.hpp"

#include "nonblocking_calls.hpp"

#include <weir/io/platform/sockets.hpp>

#include <cassert>
#include <cerrno>
#include <new>

namespace weir {

readiness readiness_of_poll(std::uint32_t events) noexcept {
  readiness wanted = readiness::none;
  if (events & (POLLIN | POLLRDNORM)) wanted = wanted | readiness::readable;
  if (events & (POLLOUT | POLLWRNORM)) wanted = wanted | readiness::writable;
  if (events & POLLPRI) wanted = wanted | readiness::priority;
  // Errors are always reported, but only on what is watched for something.
  if ((events & POLLRDHUP) || !any(wanted)) wanted = wanted | readiness::hangup;
  return wanted;
}

std::uint32_t poll_events_of(readiness ready) noexcept {
  std::uint32_t events = 0;
  if (any(ready & readiness::readable)) events |= POLLIN | POLLRDNORM;
  if (any(ready & readiness::writable)) events |= POLLOUT | POLLWRNORM;
  if (any(ready & readiness::priority)) events |= POLLPRI;
  if (any(ready & readiness::hangup)) events |= POLLHUP;
  if (any(ready & readiness::failed)) events |= POLLERR;
  return events;
}

readiness reactive_proactor::descriptor_state::wanted() const noexcept {
  readiness sum = polled;
  if (!readers.empty() && awaits_readiness(*readers.front())) sum = sum | readiness::readable;
  if (!writers.empty() && awaits_readiness(*writers.front())) sum = sum | readiness::writable;
  return sum;
}

void reactive_proactor::descriptor_state::forget() noexcept {
  assert(is_idle());
  watched = readiness::none;
  burst_slots = 1;
  may_hold_more = false;
  must_trim = false;
  is_suspect = false;
  is_congested = false;
}

void reactive_proactor::descriptor_state::refresh_polled() noexcept {
  polled = readiness::none;
  operation_queue all = std::move(polls);
  while (operation* op = all.pop_front()) {
    polled = polled | readiness_of_poll(static_cast<poll_operation*>(op)->events);
    polls.push_back(*op);
  }
}

reactive_proactor::descriptor_state* reactive_proactor::descriptor_table::find(int descriptor) noexcept {
  const auto number = static_cast<std::size_t>(descriptor);
  if (descriptor < 0 || number / page_states >= pages_.size()) return nullptr;
  page* const found = pages_[number / page_states].get();
  return found ? &(*found)[number % page_states] : nullptr;
}

reactive_proactor::descriptor_state* reactive_proactor::descriptor_table::find_or_make(int descriptor,
                                                                                       int& error) noexcept {
  if (descriptor_state* known = find(descriptor)) return known;
  // A wild number must not make the table grow. Of a known page the reactor will tell.
  error = -EBADF;
  if (!nonblocking::is_open(descriptor, counters_)) return nullptr;
  error = -ENOMEM;
  const auto number = static_cast<std::size_t>(descriptor);
  const std::size_t index = number / page_states;
  try {
    if (index >= pages_.size()) pages_.resize(index + 1);
    pages_[index] = std::make_unique<page>();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  for (std::size_t i = 0; i < page_states; ++i)
    (*pages_[index])[i].number = static_cast<int>(index * page_states + i);
  return find(descriptor);
}

void reactive_proactor::descriptor_table::mark_changed(descriptor_state& which) noexcept {
  if (which.is_on_changed_list) return;
  which.is_on_changed_list = true;
  changed_.push_back(which);
}

void reactive_proactor::descriptor_table::mark_starved(descriptor_state& which) noexcept {
  if (which.is_on_starved_list) return;
  which.is_on_starved_list = true;
  starved_.push_back(which);
}

reactive_proactor::descriptor_state* reactive_proactor::descriptor_table::pop_starved() noexcept {
  descriptor_state* const longest = starved_.pop_front();
  if (longest) longest->is_on_starved_list = false;
  return longest;
}

} // namespace weir
