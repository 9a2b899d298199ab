#include "kqueue_event_queue.hpp"
#include "posix_listing.hpp"

#include <weir/os/file_watch.hpp>
#include <weir/os/readiness.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <vector>

namespace weir {
namespace {

using kind = file_change_kind;

#ifdef NOTE_CLOSE_WRITE
constexpr unsigned note_written = NOTE_CLOSE_WRITE;
#else
constexpr unsigned note_written = 0;
#endif
#ifdef NOTE_REVOKE
constexpr unsigned note_revoked = NOTE_REVOKE;
#else
constexpr unsigned note_revoked = 0;
#endif
constexpr unsigned note_modified = NOTE_WRITE | NOTE_EXTEND;
constexpr unsigned note_attributes = NOTE_ATTRIB | NOTE_LINK;
constexpr unsigned notes_told = note_modified | note_written | note_attributes | NOTE_DELETE | note_revoked;

struct watched_file {
  int number = 0; ///< what `add` gave
  descriptor file;
  struct stat seen{};
  directory_stream directory; ///< of one that is; else empty
  directory_listing entries;  ///< as they were told
};

} // namespace

struct file_watch::queue {
  void take(const kernel_event& event);
  void take_of_directory(watched_file& from, unsigned notes);
  void take_of_file(watched_file& from, unsigned notes);
  void tell(kind what, const watched_file& of, const std::string& name = "", std::uint32_t cookie = 0) {
    untold.emplace_back(what, of.number, cookie, name);
  }
  void end(watched_file& gone);

  descriptor events;
  std::vector<watched_file> watches;
  std::deque<file_change> untold;
  int last_number = 0;
  std::uint32_t last_cookie = 0;
};

void file_watch::close::operator()(queue* changes) const noexcept {
  delete changes;
}

bool file_watch::tells_each_change() noexcept {
  return false;
}

result<file_watch> file_watch::open() {
  result<descriptor> events = open_event_queue();
  if (!events) return fail(std::move(events).error());
  std::unique_ptr<queue, close> made(new queue);
  made->events = std::move(*events);
  return file_watch(std::move(made));
}

result<int> file_watch::add(const std::string& path) {
  watched_file added;
  added.file = descriptor(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!added.file) return fail(error::from_errno(errno, "open").at(path));
  if (::fstat(added.file.get(), &added.seen) != 0) return fail(error::from_errno(errno, "fstat").at(path));
  const auto is_same = [&](const watched_file& each) {
    return each.seen.st_dev == added.seen.st_dev && each.seen.st_ino == added.seen.st_ino;
  };
  const auto known = std::ranges::find_if(changes_->watches, is_same);
  if (known != changes_->watches.end()) return known->number;

  const auto ident = static_cast<std::uintptr_t>(added.file.get());
  const kernel_event change = event_of(ident, EVFILT_VNODE, EV_ADD | EV_CLEAR, notes_told);
  const int listened = change_event(changes_->events.get(), change);
  if (listened < 0) return fail(error::from_errno(-listened, "kevent").at(path));
  if (S_ISDIR(added.seen.st_mode)) { // what comes meanwhile is told as well and is no difference then
    if (result<> opened = added.directory.open(added.file.get()); !opened) return fail(opened.error());
    result<directory_listing> entries = added.directory.list();
    if (!entries) return fail(std::move(entries).error());
    added.entries = std::move(*entries);
  }
  added.number = ++changes_->last_number;
  changes_->watches.push_back(std::move(added));
  return changes_->last_number;
}

result<> file_watch::remove(int watch) {
  const auto known = std::ranges::find(changes_->watches, watch, &watched_file::number);
  if (known == changes_->watches.end()) return fail(std::errc::invalid_argument, "file_watch");
  changes_->end(*known);
  make_readable(changes_->events.get()); // somebody may wait
  return {};
}

void file_watch::queue::end(watched_file& gone) {
  tell(kind::ended, gone);
  const auto ident = static_cast<std::uintptr_t>(gone.file.get());
  change_event(events.get(), event_of(ident, EVFILT_VNODE, EV_DELETE));
  watches.erase(watches.begin() + (&gone - watches.data()));
}

void file_watch::queue::take(const kernel_event& event) {
  if (event.filter != EVFILT_VNODE) return;
  const auto is_it = [&](const watched_file& each) {
    return static_cast<std::uintptr_t>(each.file.get()) == event.ident;
  };
  const auto from = std::ranges::find_if(watches, is_it);
  if (from == watches.end()) return;
  const auto notes = static_cast<unsigned>(event.fflags);
  if (from->directory)
    take_of_directory(*from, notes);
  else
    take_of_file(*from, notes);
}

void file_watch::queue::take_of_directory(watched_file& from, unsigned notes) {
  if (notes & (note_modified | NOTE_LINK)) {
    result<directory_listing> now = from.directory.list();
    if (now) {
      for (const entry_change& each : changes_between(from.entries, *now)) {
        const bool is_rename = each.was_renamed_to != nullptr;
        const std::uint32_t cookie = is_rename ? ++last_cookie : 0;
        tell(each.what, from, *each.name, cookie);
        if (is_rename) tell(kind::moved_to, from, *each.was_renamed_to, cookie);
      }
      from.entries = std::move(*now);
    } else {
      untold.emplace_back(kind::overflowed, -1, 0, "");
    }
  }
  if (notes & NOTE_ATTRIB) tell(kind::attributes, from);
  if (notes & (NOTE_DELETE | note_revoked)) end(from);
}

void file_watch::queue::take_of_file(watched_file& from, unsigned notes) {
  const off_t size_before = from.seen.st_size;
  const bool is_gone = ::fstat(from.file.get(), &from.seen) != 0 || from.seen.st_nlink == 0;
  const bool was_truncated = from.seen.st_size < size_before; // told as an attribute by some
  if ((notes & note_modified) || was_truncated) tell(kind::modified, from);
  if (notes & note_written) tell(kind::written, from);
  if (notes & (note_attributes | NOTE_DELETE)) tell(kind::attributes, from);
  if (is_gone || (notes & note_revoked)) end(from);
}

task<result<file_change>> file_watch::next() {
  queue& changes = *changes_;
  for (;;) {
    if (!changes.untold.empty()) {
      file_change first = std::move(changes.untold.front());
      changes.untold.pop_front();
      co_return std::move(first);
    }
    result<> woken = co_await readable(readable_face(changes.events.get()));
    if (!woken) co_return fail(std::move(woken).error());
    if (!changes.untold.empty()) continue; // another that waited has taken them
    std::array<kernel_event, 16> events;
    const int count = take_events(changes.events.get(), events);
    if (count < 0 && count != -EINTR) co_return fail(error::from_errno(-count, "kevent"));
    for (int i = 0; i < count; ++i) changes.take(events[static_cast<std::size_t>(i)]);
  }
}

} // namespace weir
