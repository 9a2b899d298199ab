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
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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

 private:
  static constexpr std::size_t buffer_bytes = 4096; ///< holds at least one event with the longest name
  struct buffer {
    std::size_t taken = 0;
    std::size_t filled = 0;
    char bytes[buffer_bytes];
  };
  explicit file_watch(descriptor queue) : queue_(std::move(queue)), unread_(std::make_unique<buffer>()) {}

  std::optional<file_change> take();

  descriptor queue_;
  std::unique_ptr<buffer> unread_;
};

} // namespace weir
