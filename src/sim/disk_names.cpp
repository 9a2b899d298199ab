// Names: made, removed, changed and listed.
#include "disk_state.hpp"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace weir::sim {
namespace {

constexpr mode_t umask_of_all = 022;

bool lies_below(disk_node_pointer node, const disk_node& above) {
  for (; node; node = node->parent.lock())
    if (node.get() == &above) return true;
  return false;
}

/// What rename(2) answers to two names that both lead somewhere.
int refuses_to_replace(const disk_node& from, const disk_node& to) noexcept {
  if (from.is_directory() && !to.is_directory()) return -ENOTDIR;
  if (!from.is_directory() && to.is_directory()) return -EISDIR;
  return to.is_directory() && !to.names.empty() ? -ENOTEMPTY : 0;
}

unsigned char type_of(const disk_node& node) noexcept {
  return static_cast<unsigned char>(IFTODT(node.mode));
}

} // namespace

// --- changes ---

disk_node_pointer disk::state::make_node(mode_t mode) {
  auto made = std::make_shared<disk_node>(++inodes, mode & ~umask_of_all);
  made->modified_ns = now_ns;
  return made;
}

int disk::state::refuses_to_make(const disk_place& where) {
  if (where.directory->names_count == 0) return -ENOENT; // it was removed, and is open still
  if (happens(fault::disk_error)) return -EIO;
  if (free_sectors() == 0 || happens(fault::no_space)) return -ENOSPC;
  return 0;
}

void disk::state::make_name(const disk_place& where, const disk_node_pointer& node) {
  apply({{where.directory, where.name, nullptr, node}});
}

void disk::state::apply(std::vector<name_change> changes) {
  for (const name_change& each : changes) {
    if (each.after) {
      ++each.after->names_count;
      if (each.after->is_directory()) each.after->parent = each.directory;
      each.directory->names[each.name] = each.after;
    } else {
      each.directory->names.erase(each.name);
    }
    each.directory->modified_ns = now_ns;
  }
  for (const name_change& each : changes) {
    if (!each.before) continue;
    --each.before->names_count;
    release_if_unused(*each.before);
  }
  journal.add(std::move(changes));
}

/// Its bytes stay as long as a crash may bring its name back, but no longer count.
void disk::state::release_if_unused(disk_node& node) noexcept {
  if (node.names_count == 0 && node.opens_count == 0) used_sectors -= node.content.allocated_sectors();
}

// --- what programs call ---

int disk::make_directory(const open_file* at, std::string_view path, mode_t permissions) {
  disk_place where;
  if (const int error = state_->find(at, path, false, where); error != 0) return error;
  if (where.node) return -EEXIST;
  if (const int error = state_->refuses_to_make(where); error != 0) return error;
  state_->make_name(where, state_->make_node(S_IFDIR | (permissions & 01777)));
  return 0;
}

int disk::make_symbolic_link(std::string_view target, const open_file* at, std::string_view path) {
  disk_place where;
  if (target.empty()) return -ENOENT;
  if (const int error = state_->find(at, path, false, where); error != 0) return error;
  if (where.node) return -EEXIST;
  if (where.has_slash) return -ENOENT;
  if (const int error = state_->refuses_to_make(where); error != 0) return error;
  const disk_node_pointer made = state_->make_node(S_IFLNK | 0777);
  made->mode = S_IFLNK | 0777;
  made->target = target;
  state_->make_name(where, made);
  return 0;
}

int disk::unlink(const open_file* at, std::string_view path, int flags) {
  if ((flags & ~AT_REMOVEDIR) != 0) return -EINVAL;
  const bool is_for_directories = (flags & AT_REMOVEDIR) != 0;
  disk_place where;
  if (const int error = state_->find(at, path, false, where); error != 0) return error;
  if (!where.node) return -ENOENT;
  if (where.name.empty()) {
    if (!is_for_directories) return -EISDIR;
    return where.is_dot ? -EINVAL : where.is_dot_dot ? -ENOTEMPTY : -EBUSY;
  }
  if (is_for_directories && !where.node->is_directory()) return -ENOTDIR;
  if (!is_for_directories && where.node->is_directory()) return -EISDIR;
  if (!where.node->names.empty()) return -ENOTEMPTY;
  if (state_->happens(fault::disk_error)) return -EIO;
  state_->apply({{where.directory, where.name, where.node, nullptr}});
  return 0;
}

int disk::rename(const open_file* at, std::string_view from_path, const open_file* to_at,
                 std::string_view to_path, unsigned flags) {
  const bool exchanges = (flags & RENAME_EXCHANGE) != 0, keeps = (flags & RENAME_NOREPLACE) != 0;
  if ((flags & ~unsigned{RENAME_EXCHANGE | RENAME_NOREPLACE}) != 0 || (exchanges && keeps)) return -EINVAL;
  disk_place from, to;
  if (const int error = state_->find(at, from_path, false, from); error != 0) return error;
  if (const int error = state_->find(to_at, to_path, false, to); error != 0) return error;
  if (from.name.empty() || to.name.empty()) return -EBUSY;
  if (!from.node || (exchanges && !to.node)) return -ENOENT;
  if (keeps && to.node) return -EEXIST;
  if (!from.node->is_directory() && !exchanges && to.has_slash) return -ENOTDIR;
  if (to.directory->names_count == 0) return -ENOENT;
  if (lies_below(to.directory, *from.node)) return -EINVAL;
  if (to.node && lies_below(from.directory, *to.node)) return exchanges ? -EINVAL : -ENOTEMPTY;
  if (from.node == to.node) return 0;
  if (to.node && !exchanges)
    if (const int error = refuses_to_replace(*from.node, *to.node); error != 0) return error;
  if (state_->happens(fault::disk_error)) return -EIO;
  state_->apply({{from.directory, from.name, from.node, exchanges ? to.node : nullptr},
                 {to.directory, to.name, to.node, from.node}});
  return 0;
}

std::int64_t disk::list(open_file& directory, std::span<std::byte> records) {
  if (directory.is_stale() || state_->happens(fault::disk_error)) return -EIO;
  if (!directory.node->is_directory()) return -ENOTDIR;
  if (!std::exchange(directory.is_listing, true)) {
    for (const auto& [name, node] : directory.node->names)
      directory.unlisted.push_back({name, node->inode, type_of(*node)});
    for (std::size_t left = directory.unlisted.size(); left > 1; --left) // no program may count on an order
      std::swap(directory.unlisted[left - 1], directory.unlisted[state_->random.below(left)]);
  }
  std::size_t used = 0;
  while (!directory.unlisted.empty()) {
    const open_file::entry& next = directory.unlisted.back();
    const std::size_t bytes = (offsetof(dirent64, d_name) + next.name.size() + 1 + alignof(dirent64) - 1) &
                              ~(alignof(dirent64) - 1);
    if (used + bytes > records.size()) return used == 0 ? -EINVAL : static_cast<std::int64_t>(used);
    std::byte* const at = records.data() + used;
    const auto length = static_cast<unsigned short>(bytes);
    const auto place = static_cast<std::int64_t>(directory.unlisted.size());
    std::memset(at, 0, bytes);
    std::memcpy(at + offsetof(dirent64, d_ino), &next.inode, sizeof next.inode);
    std::memcpy(at + offsetof(dirent64, d_off), &place, sizeof place);
    std::memcpy(at + offsetof(dirent64, d_reclen), &length, sizeof length);
    std::memcpy(at + offsetof(dirent64, d_type), &next.type, sizeof next.type);
    std::memcpy(at + offsetof(dirent64, d_name), next.name.data(), next.name.size());
    used += bytes;
    directory.unlisted.pop_back();
  }
  return static_cast<std::int64_t>(used);
}

} // namespace weir::sim
