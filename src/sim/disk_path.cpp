#include "disk_state.hpp"

#include <cerrno>
#include <utility>

namespace weir::sim {
namespace {

constexpr std::size_t path_bytes_max = 4095;
constexpr std::size_t name_bytes_max = 255;
constexpr int links_followed_max = 40; // path_resolution(7)

/// Takes the first component from the front, and the slashes behind it.
std::string take_component(std::string& path, bool& has_slash) {
  const std::size_t end = std::min(path.find('/'), path.size());
  std::string component = path.substr(0, end);
  const std::size_t next = std::min(path.find_first_not_of('/', end), path.size());
  has_slash = next != end;
  path.erase(0, next);
  return component;
}

std::string without_leading_slashes(std::string_view path) {
  return std::string(path.substr(std::min(path.find_first_not_of('/'), path.size())));
}

} // namespace

int disk::state::find(const open_file* at, std::string_view path, bool follows_last,
                      disk_place& found) const {
  if (path.empty()) return -ENOENT;
  if (path.size() > path_bytes_max) return -ENAMETOOLONG;
  const bool is_absolute = path.front() == '/';
  if (at && at->is_stale() && !is_absolute) return -EIO;
  found = disk_place{};
  found.node = is_absolute || !at ? root : at->node;
  std::string rest = without_leading_slashes(path);
  if (is_absolute && rest.empty()) found.has_slash = true;
  int links_left = links_followed_max;
  while (!rest.empty()) {
    if (!found.node) return -ENOENT;
    if (!found.node->is_directory()) return -ENOTDIR;
    const disk_node_pointer here = std::exchange(found.node, nullptr);
    const std::string component = take_component(rest, found.has_slash);
    if (component.size() > name_bytes_max) return -ENAMETOOLONG;
    found.directory = here;
    found.is_dot = component == ".";
    found.is_dot_dot = component == "..";
    if (found.is_dot || found.is_dot_dot) {
      found.name.clear();
      const disk_node_pointer above = here->parent.lock();
      found.node = found.is_dot_dot && above ? above : here;
      continue;
    }
    found.name = component;
    const auto entry = here->names.find(component);
    if (entry == here->names.end()) continue;
    found.node = entry->second;
    const bool is_last = rest.empty() && !found.has_slash;
    if (!found.node->is_link() || (is_last && !follows_last)) continue;
    if (links_left-- == 0) return -ELOOP;
    const std::string& target = found.node->target;
    rest = without_leading_slashes(target) + (found.has_slash ? "/" : "") + rest;
    found.node = target.front() == '/' ? root : here;
  }
  if (found.has_slash && found.node && !found.node->is_directory()) return -ENOTDIR;
  return 0;
}

} // namespace weir::sim
