#include "grow_to.hpp"
#include "milliseconds.hpp"
#include "thread_sanitizer.hpp"

#include <weir/io/epoll_reactor.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <limits>

namespace weir {
namespace {

std::uint32_t events_of(readiness interest) noexcept {
  std::uint32_t events = 0;
  if (any(interest & readiness::readable)) events |= EPOLLIN;
  if (any(interest & readiness::writable)) events |= EPOLLOUT;
  if (any(interest & readiness::priority)) events |= EPOLLPRI;
  if (any(interest & readiness::hangup)) events |= EPOLLRDHUP;
  return events;
}

readiness readiness_of(std::uint32_t events) noexcept {
  readiness ready = readiness::none;
  if (events & EPOLLIN) ready = ready | readiness::readable;
  if (events & EPOLLOUT) ready = ready | readiness::writable;
  if (events & EPOLLPRI) ready = ready | readiness::priority;
  if (events & (EPOLLHUP | EPOLLRDHUP)) ready = ready | readiness::hangup;
  if (events & EPOLLERR) ready = ready | readiness::failed;
  return ready;
}

timespec timespec_of(std::uint64_t timeout_ns) noexcept {
  constexpr std::uint64_t ns_per_s = 1'000'000'000;
  timespec out{};
  out.tv_sec = static_cast<time_t>(timeout_ns / ns_per_s);
  out.tv_nsec = static_cast<long>(timeout_ns % ns_per_s);
  return out;
}

} // namespace

result<std::unique_ptr<epoll_reactor>> epoll_reactor::create(loop_counters& counters) {
  weir::descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail(error::from_errno(errno, "epoll_create1"));
  weir::descriptor wake_event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_event) return fail(error::from_errno(errno, "eventfd"));
  std::unique_ptr<epoll_reactor> made(new epoll_reactor(std::move(epoll), std::move(wake_event), counters));
  if (const int added = made->watch_wake_event(); added < 0)
    return fail(error::from_errno(added, "epoll_ctl"));
  return made;
}

int epoll_reactor::control(int action, int descriptor, std::uint32_t events,
                           std::uint32_t generation) noexcept {
  const thread_sanitizer::unnoted_descriptors scope; // behind a wait its number may be another thread's
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(descriptor);
  counters_.system_calls.count(system_call::interest);
  return ::epoll_ctl(epoll_.get(), action, descriptor, &event) == 0 ? 0 : -errno;
}

/// Edge-triggered: each write is reported once, so nobody has to read the counter back to silence it.
int epoll_reactor::watch_wake_event() noexcept {
  return control(EPOLL_CTL_ADD, wake_event_.get(), EPOLLIN | EPOLLET, 0);
}

int epoll_reactor::watch(int descriptor, readiness interest) noexcept {
  if (descriptor < 0) return -EBADF;
  const auto index = static_cast<std::size_t>(descriptor);
  if (index >= registrations_.size() && !any(interest)) return 0;
  if (!grow_to(registrations_, index)) return -ENOMEM;
  registration& known = registrations_[index];
  if (any(interest)) {
    const int done = add_or_modify(descriptor, known, events_of(interest));
    known.interest = done == 0 ? interest : readiness::none;
    return done;
  }
  // What fails here was closed elsewhere: it is gone, or a ghost that `wait` will meet.
  if (any(known.interest)) control(EPOLL_CTL_DEL, descriptor, 0, known.generation);
  known.interest = readiness::none;
  return 0;
}

int epoll_reactor::add_or_modify(int descriptor, registration& known, std::uint32_t events) noexcept {
  if (any(known.interest)) {
    const int modified = control(EPOLL_CTL_MOD, descriptor, events, known.generation);
    if (modified != -ENOENT) return modified;
  }
  const int added = control(EPOLL_CTL_ADD, descriptor, events, ++known.generation);
  // A descriptor that came back as the same file, duplicated by another number meanwhile.
  if (added == -EEXIST) return control(EPOLL_CTL_MOD, descriptor, events, known.generation);
  return added;
}

std::span<const ready_event> epoll_reactor::wait(std::uint64_t timeout_ns) noexcept {
  const int count = wait_in_kernel(timeout_ns);
  std::size_t ready = 0;
  bool met_ghost = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    const auto number = static_cast<std::uint32_t>(event.data.u64);
    const auto generation = static_cast<std::uint32_t>(event.data.u64 >> 32);
    if (static_cast<int>(number) == wake_event_.get()) {
      take_wake();
      continue;
    }
    const registration& known = registrations_[number];
    if (any(known.interest) && known.generation == generation)
      ready_[ready++] = {static_cast<int>(number), readiness_of(event.events)};
    else
      met_ghost = true;
  }
  if (met_ghost) rebuild();
  return {ready_.data(), ready};
}

/// The count of events, or a negative number where a signal came first.
int epoll_reactor::wait_in_kernel(std::uint64_t timeout_ns) noexcept {
  ++counters_.waits;
  counters_.system_calls.count(system_call::wait);
  const bool is_timed = timeout_ns != 0 && timeout_ns != no_timeout;
  if (is_timed && has_nanoseconds_) {
    const timespec timeout = timespec_of(timeout_ns);
    const int count = ::epoll_pwait2(epoll_.get(), events_.data(), events_max, &timeout, nullptr);
    // seccomp filters that are older than the call answer EPERM.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    has_nanoseconds_ = false;
    counters_.system_calls.count(system_call::wait);
  }
  constexpr std::uint64_t longest_ms = std::numeric_limits<int>::max();
  const int milliseconds =
      timeout_ns == no_timeout ? -1 : static_cast<int>(std::min(milliseconds_of(timeout_ns), longest_ms));
  return ::epoll_wait(epoll_.get(), events_.data(), events_max, milliseconds);
}

void epoll_reactor::wake() noexcept {
  // Wake-ups until the loop has seen the first one are one. The exchange also hands over what the waker
  // wrote.
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  const int errno_of_interrupted_code = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_event_.get(), &one, sizeof one);
  errno = errno_of_interrupted_code;
}

void epoll_reactor::take_wake() noexcept {
  if (!wake_pending_.exchange(false, std::memory_order_acq_rel)) return;
  ++counters_.wakes;
  counters_.system_calls.count(system_call::wake); // the waker's write: counters belong to this thread
}

/// A new epoll instance with everything that is watched and no ghosts. Where there is no descriptor for it
/// the old one stays: ghosts then cost wake-ups until a later attempt succeeds.
void epoll_reactor::rebuild() noexcept {
  counters_.system_calls.count(system_call::interest);
  counters_.system_calls.count(system_call::close); // of one of the two
  weir::descriptor fresh(::epoll_create1(EPOLL_CLOEXEC));
  if (!fresh) return;
  std::swap(epoll_, fresh);
  if (watch_wake_event() < 0) {
    std::swap(epoll_, fresh);
    return;
  }
  for (std::size_t i = 0; i < registrations_.size(); ++i) {
    registration& known = registrations_[i];
    if (!any(known.interest)) continue;
    if (control(EPOLL_CTL_ADD, static_cast<int>(i), events_of(known.interest), known.generation) < 0)
      known.interest = readiness::none;
  }
}

} // namespace weir
