// disk_journal: the changes of names that are not durable yet, in the order in which they were made. Each is
// atomic, a rename too, though it changes two names.
//
// Which of them survive a crash: where the file system keeps their order, the first so and so many. Where it
// does not, any, except that a change survives only with the earlier ones that it builds on: of the same
// name, of the same file, of the directory that it is in. So no file system loses what was only moved.
#pragma once

#include "disk_node.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace weir::sim {

class random_source;

/// One name, before and after: null where there is none.
struct name_change {
  disk_node_pointer directory;
  std::string name;
  disk_node_pointer before;
  disk_node_pointer after;
};

class disk_journal {
 public:
  /// Beyond it the oldest become durable on their own.
  static constexpr std::size_t changes_max = 256;

  bool is_empty() const noexcept { return entries_.empty(); }
  /// Made visible already.
  void add(std::vector<name_change> change);

  void sync_all();
  /// Those in that directory, and those that they build on.
  void sync(const disk_node& directory);
  /// The first so and so many become durable, or each with that probability.
  void write_back(random_source& random, bool is_ordered, std::uint32_t per_million);
  /// The same, and the others are forgotten; how many. The directories hold what is durable.
  std::size_t crash(random_source& random, bool is_ordered, std::uint32_t per_million);

 private:
  struct entry {
    std::vector<name_change> changes;
    bool is_chosen = false;
  };

  static void commit(entry& which);
  static bool builds_on(const entry& later, const entry& earlier) noexcept;
  bool has_foundations(std::size_t index) const noexcept;
  void commit_chosen();

  std::deque<entry> entries_;
};

} // namespace weir::sim
