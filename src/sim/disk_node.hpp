// disk_node: what a name leads to: a file, a directory or a symbolic link. Of a directory it holds two sets
// of names: those that programs see and those that the disk has.
//
// Lifetime: shared by names, by changes that are not durable yet and by who has it open; its room on the disk
// is free once no name and nobody leads to it.
#pragma once

#include "disk_content.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace weir::sim {

struct disk_node;
using disk_node_pointer = std::shared_ptr<disk_node>;
/// In the order of names: what is listed must not depend on addresses.
using disk_names = std::map<std::string, disk_node_pointer, std::less<>>;

struct disk_node {
  disk_node(std::uint64_t number, mode_t type_and_permissions) noexcept
      : inode(number), mode(type_and_permissions) {}

  bool is_directory() const noexcept { return S_ISDIR(mode); }
  bool is_regular() const noexcept { return S_ISREG(mode); }
  bool is_link() const noexcept { return S_ISLNK(mode); }

  const std::uint64_t inode;
  mode_t mode;
  std::uint32_t names_count = 0; ///< that lead to it
  std::uint32_t opens_count = 0;
  std::uint64_t modified_ns = 0; ///< since 1970
  disk_content content;          ///< of a file
  std::string target;            ///< of a symbolic link
  disk_names names;              ///< of a directory
  disk_names durable_names;
  std::weak_ptr<disk_node> parent; ///< of a directory
  std::uint32_t visited_in = 0;    ///< the crash that has dealt with it
};

} // namespace weir::sim
