// What a disk consists of, for the files that make up sim/disk.hpp.
#pragma once

#include "disk_journal.hpp"
#include "disk_node.hpp"

#include <weir/sim/disk.hpp>

#include <fcntl.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace weir::sim {

/// Where a path leads. Without a name of its own for the root, "." and "..".
struct disk_place {
  disk_node_pointer directory;
  std::string name;
  disk_node_pointer node; ///< null: there is none of that name
  bool has_slash = false; ///< behind it: only a directory will do
  bool is_dot = false;
  bool is_dot_dot = false;
};

struct disk::state {
  state(random_source by_seed, fault_plan& of_world, disk_options as_told)
      : random{by_seed}, faults(of_world), options(as_told), root(make_node(S_IFDIR | 0755)) {
    root->names_count = 1;
  }

  bool happens(fault kind) noexcept { return faults.happens(kind, options.host); }

  // disk_path.cpp
  int find(const open_file* at, std::string_view path, bool follows_last, disk_place& found) const;

  // disk_names.cpp
  disk_node_pointer make_node(mode_t mode);
  /// Why nothing can be made of that name, or 0.
  int refuses_to_make(const disk_place& where);
  void make_name(const disk_place& where, const disk_node_pointer& node);
  void apply(std::vector<name_change> changes);
  void release_if_unused(disk_node& node) noexcept;

  // disk.cpp
  std::uint64_t free_sectors() const noexcept {
    const std::uint64_t capacity = options.capacity_bytes / sector_bytes;
    return capacity - std::min(capacity, used_sectors);
  }
  template <class Change>
  void change(disk_node& node, Change what) {
    used_sectors -= node.content.allocated_sectors();
    what(node.content);
    used_sectors += node.content.allocated_sectors();
    node.modified_ns = now_ns;
  }
  std::size_t room_for(const disk_node& node, std::uint64_t offset, std::size_t bytes) const noexcept;

  // disk_crash.cpp
  void write_back_at_times(disk_node& node);
  bool is_synced(const disk_node& node) const;
  void restart(const disk_node_pointer& node, const survival& of_each);

  random_source random;
  fault_plan& faults;
  disk_options options;
  disk_journal journal;
  std::uint64_t inodes = 1;
  disk_node_pointer root;
  std::uint64_t used_sectors = 0;
  std::uint64_t now_ns = 0;
  std::uint32_t crashes = 0;
  disk_losses losses;
};

class disk::open_file {
 public:
  open_file(state& disk, disk_node_pointer what, int with_flags) noexcept
      : of(disk), node(std::move(what)), flags(with_flags), opened_in(disk.crashes) {
    ++node->opens_count;
  }
  ~open_file() {
    --node->opens_count;
    if (!is_stale()) of.release_if_unused(*node);
  }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;

  /// Opened before a crash.
  bool is_stale() const noexcept { return opened_in != of.crashes; }
  bool may_read() const noexcept { return (flags & O_ACCMODE) != O_WRONLY; }
  bool may_write() const noexcept { return (flags & O_ACCMODE) != O_RDONLY; }

  struct entry {
    std::string name;
    std::uint64_t inode;
    unsigned char type;
  };

  state& of;
  const disk_node_pointer node;
  const int flags;
  const std::uint32_t opened_in;
  bool is_listing = false;
  std::vector<entry> unlisted; ///< of a directory that is being listed: what is to come, last first
};

} // namespace weir::sim
