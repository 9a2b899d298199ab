// directory: what names a directory holds, in batches or one after the other:
//
//   result<directory> here = co_await directory::open(".");
//   auto entries = here->entries();
//   for (;;) {
//     std::optional<result<directory_entry>> next = co_await entries.next();
//     if (!next || !*next) break; // the end, or an error
//   }
//
// No kernel lists directories asynchronously: threads of the pool do it on every backend. "." and ".." are
// left out; the order is that of the file system. What is added or removed meanwhile may be in it or not.
// Thread rule: the loop's thread; one call at a time. Lifetime: movable; outlives its generator. Bound: the
// names of one read of 32 KiB, about a thousand. Cancel-safety: a cancelled call lost no name; nor did one
// that lacked memory.
#pragma once

#include <weir/async/async_generator.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/fs/file_status.hpp>
#include <weir/io/descriptor.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir::fs {

struct directory_entry {
  directory_entry(std::string of_entry, file_kind of_kind, std::uint64_t with_inode) noexcept
      : name(std::move(of_entry)), kind(of_kind), inode(with_inode) {}

  std::string name;
  file_kind kind; ///< unknown where the file system does not keep it beside the name: ask `status_of`
  std::uint64_t inode;
};

class directory {
 public:
  static task<result<directory>> open(std::string path);

  /// The next names, at least one; none at the end.
  task<result<std::vector<directory_entry>>> next_batch();
  /// All that are left; ends behind the first error.
  async_generator<result<directory_entry>> entries();

 private:
  struct buffer;
  struct release {
    void operator()(buffer* memory) const noexcept;
  };
  directory(descriptor opened, std::string path);

  descriptor opened_;
  std::string path_; ///< for errors
  std::unique_ptr<buffer, release> buffer_;
};

} // namespace weir::fs
