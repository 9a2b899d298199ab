#include <weir/io/descriptor.hpp>
#include <weir/os/file_watch.hpp>
#include <weir/os/readiness.hpp>

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace weir {
namespace {

constexpr std::uint32_t changes_told =
    IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO;

/// IN_IGNORED ends every watch, whatever the reason; what may come before it says no more than that.
std::optional<file_change_kind> kind_of(std::uint32_t mask) noexcept {
  using enum file_change_kind;
  if (mask & IN_Q_OVERFLOW) return overflowed;
  if (mask & IN_IGNORED) return ended;
  if (mask & IN_CREATE) return created;
  if (mask & IN_DELETE) return removed;
  if (mask & IN_MODIFY) return modified;
  if (mask & IN_CLOSE_WRITE) return written;
  if (mask & IN_ATTRIB) return attributes;
  if (mask & IN_MOVED_FROM) return moved_from;
  if (mask & IN_MOVED_TO) return moved_to;
  return std::nullopt; // IN_UNMOUNT, followed by IN_IGNORED
}

constexpr std::size_t buffer_bytes = 4096; // holds at least one event with the longest name

} // namespace

struct file_watch::queue {
  explicit queue(descriptor instance) noexcept : events(std::move(instance)) {}

  std::optional<file_change> take();

  descriptor events;
  std::size_t taken = 0;
  std::size_t filled = 0;
  char bytes[buffer_bytes];
};

void file_watch::close::operator()(queue* changes) const noexcept {
  delete changes;
}

bool file_watch::tells_each_change() noexcept {
  return true;
}

result<file_watch> file_watch::open() {
  descriptor events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!events) return fail(error::from_errno(errno, "inotify_init1"));
  return file_watch(std::unique_ptr<queue, close>(new queue(std::move(events))));
}

result<int> file_watch::add(const std::string& path) {
  const int watch = ::inotify_add_watch(changes_->events.get(), path.c_str(), changes_told);
  if (watch < 0) return fail(error::from_errno(errno, "inotify_add_watch").at(path));
  return watch;
}

result<> file_watch::remove(int watch) {
  if (::inotify_rm_watch(changes_->events.get(), watch) != 0)
    return fail(error::from_errno(errno, "inotify_rm_watch"));
  return {};
}

/// The next of what was read, unless it tells nothing.
std::optional<file_change> file_watch::queue::take() {
  inotify_event event;
  const char* const at = bytes + taken;
  std::memcpy(&event, at, sizeof event);
  const auto kind = kind_of(event.mask);
  std::optional<file_change> change;
  if (kind) // the name is filled up with zeros
    change.emplace(*kind, event.wd, event.cookie, event.len > 0 ? std::string(at + sizeof event) : "");
  taken += sizeof event + event.len;
  return change;
}

task<result<file_change>> file_watch::next() {
  queue& unread = *changes_;
  for (;;) {
    while (unread.taken < unread.filled) {
      std::optional<file_change> change = unread.take();
      if (change) co_return std::move(*change);
    }
    result<> woken = co_await readable(unread.events.get());
    if (!woken) co_return fail(std::move(woken).error());
    if (unread.taken < unread.filled) continue; // another that waited has read
    const ssize_t got = ::read(unread.events.get(), unread.bytes, sizeof unread.bytes);
    if (got < 0 && errno != EAGAIN && errno != EINTR) co_return fail(error::from_errno(errno, "inotify"));
    if (got <= 0) continue;
    unread.taken = 0;
    unread.filled = static_cast<std::size_t>(got);
  }
}

} // namespace weir
