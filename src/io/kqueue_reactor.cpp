#include "grow_to.hpp"
#include "kqueue_event.hpp"

#include <weir/io/kqueue_reactor.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

namespace weir {
namespace {

constexpr std::uintptr_t wake_ident = 0; // identifiers of EVFILT_USER are a space of their own

#ifdef EVFILT_EXCEPT
constexpr readiness watchable = ~readiness::none;
#else
constexpr readiness watchable = ~readiness::priority;
#endif

/// What waits for an end and not for bytes. The write filter tells of the end of both directions, and of no
/// other.
bool waits_for_end_only(readiness interest) noexcept {
  if (any(interest & readiness::readable)) return false;
  return any(interest & (readiness::hangup | readiness::priority));
}

readiness readiness_of(const kernel_event& event) noexcept {
  if (event.filter == EVFILT_READ) return readiness::readable;
  if (event.filter == EVFILT_WRITE) return readiness::writable;
#ifdef EVFILT_EXCEPT
  if (event.filter == EVFILT_EXCEPT && (event.fflags & NOTE_OOB)) return readiness::priority;
#endif
  return readiness::none;
}

/// Longer waits return early and empty, because kernels refuse what is absurdly long.
timespec timespec_of_wait(std::uint64_t timeout_ns) noexcept {
  constexpr std::uint64_t ns_per_s = 1'000'000'000;
  constexpr std::uint64_t seconds_max = 24 * 60 * 60;
  timespec out{};
  out.tv_sec = static_cast<time_t>(std::min(timeout_ns / ns_per_s, seconds_max));
  out.tv_nsec = static_cast<long>(timeout_ns % ns_per_s);
  return out;
}

} // namespace

/// The changes to the filters of one descriptor, made by one call. The kernel answers each by a receipt.
class kqueue_reactor::change_list {
 public:
  explicit change_list(int descriptor) noexcept : ident_(static_cast<std::uintptr_t>(descriptor)) {}

  void take_away(readiness interest) noexcept { removals_end_ = add_filters(interest, EV_DELETE, EV_DELETE); }
  void add(readiness interest, bool has_ended) noexcept {
    add_filters(interest, EV_ADD, has_ended ? EV_ADD : EV_ADD | EV_CLEAR);
  }

  /// 0, or the first error of an addition: what could not be taken away was gone.
  int apply(int queue) noexcept {
    if (count_ == 0) return 0;
    const int count = static_cast<int>(count_);
    const int answered = ::kevent(queue, changes_.data(), count, changes_.data(), count, &no_time);
    if (answered < 0) return -errno;
    for (std::size_t i = removals_end_; i < static_cast<std::size_t>(answered); ++i)
      if (changes_[i].data != 0) return -static_cast<int>(changes_[i].data);
    return 0;
  }

 private:
  std::size_t add_filters(readiness interest, int action, int action_for_end) noexcept {
    const bool is_for_end = waits_for_end_only(interest);
    if (any(interest & readiness::readable) || is_for_end)
      add_filter(EVFILT_READ, is_for_end ? action_for_end : action);
    if (any(interest & readiness::writable)) add_filter(EVFILT_WRITE, action);
#ifdef EVFILT_EXCEPT
    if (any(interest & readiness::priority)) add_filter(EVFILT_EXCEPT, action, NOTE_OOB);
#endif
    return count_;
  }
  void add_filter(int filter, int action, unsigned filter_flags = 0) noexcept {
    changes_[count_++] = event_of(ident_, filter, action | EV_RECEIPT, filter_flags);
  }

  std::uintptr_t ident_;
  std::size_t count_ = 0;
  std::size_t removals_end_ = 0;
  std::array<kernel_event, 6> changes_; ///< three filters, away and anew
};

kqueue_reactor::kqueue_reactor(weir::descriptor queue, loop_counters& counters)
    : queue_(std::move(queue)), counters_(counters), events_(std::make_unique<kernel_event[]>(events_max)) {}

kqueue_reactor::~kqueue_reactor() = default;

result<std::unique_ptr<kqueue_reactor>> kqueue_reactor::create(loop_counters& counters) {
  weir::descriptor queue(::kqueue());
  if (!queue) return fail(error::from_errno(errno, "kqueue"));
  if (::fcntl(queue.get(), F_SETFD, FD_CLOEXEC) < 0) return fail(error::from_errno(errno, "fcntl"));
  std::unique_ptr<kqueue_reactor> made(new kqueue_reactor(std::move(queue), counters));
  if (const int added = made->add_wake_event(); added < 0) return fail(error::from_errno(added, "kevent"));
  return made;
}

/// Edge-triggered: each trigger is reported once.
int kqueue_reactor::add_wake_event() noexcept {
  const kernel_event added = event_of(wake_ident, EVFILT_USER, EV_ADD | EV_CLEAR);
  counters_.system_calls.count(system_call::interest);
  return ::kevent(queue_.get(), &added, 1, nullptr, 0, &no_time) < 0 ? -errno : 0;
}

int kqueue_reactor::watch(int descriptor, readiness interest) noexcept {
  if (descriptor < 0) return -EBADF;
  const auto index = static_cast<std::size_t>(descriptor);
  if (index >= registrations_.size() && !any(interest)) return 0;
  if (!grow_to(registrations_, index)) return -ENOMEM;
  registration& known = registrations_[index];
  int done = any(interest) ? refusal_of(descriptor) : 0;
  if (done == 0 && any(interest) && !any(interest & watchable)) done = -EOPNOTSUPP;
  const readiness before = std::exchange(known.interest, done == 0 ? interest : readiness::none);
  known.has_ended = false;
  const int replaced = replace_filters(descriptor, before, known.interest, false);
  if (done == 0 && replaced < 0) {
    replace_filters(descriptor, std::exchange(known.interest, readiness::none), readiness::none, false);
    done = replaced;
  }
  return done;
}

/// A file is always ready (poll(2)), and kqueue knows its end: the contract has it refused.
int kqueue_reactor::refusal_of(int descriptor) noexcept {
  struct stat found{};
  counters_.system_calls.count(system_call::other);
  if (::fstat(descriptor, &found) < 0) return -errno;
  return S_ISREG(found.st_mode) || S_ISDIR(found.st_mode) ? -EPERM : 0;
}

int kqueue_reactor::replace_filters(int descriptor, readiness before, readiness after,
                                    bool has_ended) noexcept {
  if (!any(before | after)) return 0;
  change_list changes(descriptor);
  changes.take_away(before);
  changes.add(after, has_ended);
  counters_.system_calls.count(system_call::interest);
  return changes.apply(queue_.get());
}

std::span<const ready_event> kqueue_reactor::wait(std::uint64_t timeout_ns) noexcept {
  const int count = wait_in_kernel(timeout_ns);
  ready_count_ = 0;
  for (int i = 0; i < count; ++i) take(events_[static_cast<std::size_t>(i)]);
  return {ready_.data(), ready_count_};
}

/// The count of events, or a negative number where a signal came first.
int kqueue_reactor::wait_in_kernel(std::uint64_t timeout_ns) noexcept {
  ++counters_.waits;
  counters_.system_calls.count(system_call::wait);
  const timespec timeout = timespec_of_wait(timeout_ns);
  return ::kevent(queue_.get(), nullptr, 0, events_.get(), static_cast<int>(events_max),
                  timeout_ns == no_timeout ? nullptr : &timeout);
}

void kqueue_reactor::take(const kernel_event& event) noexcept {
  if (event.filter == EVFILT_USER) return take_wake();
  const int descriptor = static_cast<int>(event.ident);
  registration& known = registrations_[event.ident];
  if (!any(known.interest)) return;
  readiness found = readiness_of(event) & known.interest;
  if (event.flags & EV_EOF) found = found | end_of(event, known);
  if (any(found)) report(descriptor, known, found);
}

readiness kqueue_reactor::end_of(const kernel_event& event, registration& known) noexcept {
  const int descriptor = static_cast<int>(event.ident);
  readiness found = kind_of_end(descriptor);
  const bool is_read = event.filter == EVFILT_READ;
  const bool has_error = (is_read || event.filter == EVFILT_WRITE) && event.fflags != 0;
  if (has_error) found = found | readiness::failed;
  if (!is_read) return found;
  if (waits_for_end_only(known.interest) && !std::exchange(known.has_ended, true))
    replace_filters(descriptor, known.interest, known.interest, true);
  return found | (known.interest & readiness::hangup);
}

/// That of both directions is a hangup.
readiness kqueue_reactor::kind_of_end(int descriptor) noexcept {
  // Asked for by name, because macOS looks for no more than it is asked for.
  pollfd asked{descriptor, POLLHUP | POLLERR, 0};
  counters_.system_calls.count(system_call::poll);
  if (::poll(&asked, 1, 0) <= 0) return readiness::none;
  readiness found = readiness::none;
  if (asked.revents & POLLHUP) found = found | readiness::hangup;
  if (asked.revents & POLLERR) found = found | readiness::failed;
  return found;
}

/// Filters report one by one what belongs together.
void kqueue_reactor::report(int descriptor, registration& known, readiness events) noexcept {
  const std::size_t index = known.ready_index;
  if (index < ready_count_ && ready_[index].descriptor == descriptor) {
    ready_[index].events = ready_[index].events | events;
    return;
  }
  known.ready_index = static_cast<std::uint16_t>(ready_count_);
  ready_[ready_count_++] = {descriptor, events};
}

void kqueue_reactor::wake() noexcept {
  // Wake-ups until the loop has seen the first one are one. The exchange also hands over what the waker
  // wrote.
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  const int errno_of_interrupted_code = errno;
  const kernel_event trigger = event_of(wake_ident, EVFILT_USER, 0, NOTE_TRIGGER);
  ::kevent(queue_.get(), &trigger, 1, nullptr, 0, &no_time);
  errno = errno_of_interrupted_code;
}

void kqueue_reactor::take_wake() noexcept {
  if (!wake_pending_.exchange(false, std::memory_order_acq_rel)) return;
  ++counters_.wakes;
  counters_.system_calls.count(system_call::wake); // the waker's trigger: counters belong to this thread
}

} // namespace weir
