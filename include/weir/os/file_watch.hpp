// file_watch: changes of files and directories, one after the other.
//
//   result<file_watch> changes = file_watch::open();
//   result<int> in = changes->add("/etc/weir");  …  result<file_change> next = co_await changes->next();
//
// A directory tells of the entries in it, not of those below: add each directory that is to be watched. What
// tells is the file, not its name: that the watched file itself is renamed is not told, and its watch goes
// with it; one that is replaced ends its watch once it has no other name and nobody has it open. Where the
// name matters, watch its directory.
//
// Bound: one read of the kernel's queue here (4 KiB); there at most /proc/sys/fs/inotify/max_queued_events,
// 16,384 by default. Beyond that changes are lost and an `overflowed` stands in their place: look at
// everything anew. Equal changes that follow each other unread are one. Thread rule: the loop's thread; one
// task at a time waits. Lifetime: movable; outlives its waits. Cancel-safety: a cancelled `next` takes
// nothing. Source: inotify(7).
//
// kqueue(2) keeps no list of changes (`tells_each_change`). There a directory is listed when something came
// or went, on the loop's thread, and what is told is the difference: `created`, `removed`, and the two halves
// of a rename inside it, in the order of names; a name that has become another file is `moved_to`. What
// happens to the contents and attributes of a file tells only the file itself: add it. `written` is told by
// FreeBSD alone; a watch ends when its file has no name left. Bound: a descriptor a watch, the names of each
// directory, nothing lost.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace weir {

enum class file_change_kind : std::uint8_t {
  created,    ///< an entry of a directory, also by link(2)
  removed,    ///< an entry of a directory
  modified,   ///< written to or truncated
  written,    ///< closed by who could write: a good time to read it
  attributes, ///< permissions, owner, times, number of links
  moved_from, ///< an entry left the directory: `cookie` is that of its moved_to
  moved_to,   ///< an entry came into the directory
  ended,      ///< the watched file is gone for good or was removed from the set; its number tells no more
  overflowed, ///< changes were lost; of no watch
};

struct file_change {
  file_change(file_change_kind what, int of_watch, std::uint32_t with_cookie, std::string of_entry) noexcept
      : kind(what), watch(of_watch), cookie(with_cookie), name(std::move(of_entry)) {}

  file_change_kind kind;
  int watch;            ///< what `add` gave
  std::uint32_t cookie; ///< joins the two halves of a rename
  std::string name;     ///< of the entry, in a directory; empty when it is the watched file itself
};

class file_watch {
 public:
  static result<file_watch> open();

  /// Watches a file or a directory; the number that its changes carry. Adding it again gives the same.
  result<int> add(const std::string& path);
  result<> remove(int watch);

  task<result<file_change>> next();

  /// Whether the system keeps every change in its order; else what differs is told.
  static bool tells_each_change() noexcept;

 private:
  struct queue; ///< the system's, and what was taken from it
  struct close {
    void operator()(queue* changes) const noexcept;
  };
  explicit file_watch(std::unique_ptr<queue, close> changes) noexcept : changes_(std::move(changes)) {}

  std::unique_ptr<queue, close> changes_;
};

} // namespace weir
