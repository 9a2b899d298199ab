#include <weir/runtime/privileges.hpp>

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <system_error>

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t groups_max = 65536; // NGROUPS_MAX of the kernel

std::size_t count_threads() {
  std::error_code unreadable;
  const fs::directory_iterator threads("/proc/self/task", unreadable);
  return static_cast<std::size_t>(std::distance(fs::begin(threads), fs::end(threads)));
}

bool has_ring() {
  std::error_code unreadable;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd", unreadable)) {
    const std::string target = fs::read_symlink(entry.path(), unreadable).string();
    if (target == "anon_inode:[io_uring]") return true;
  }
  return false;
}

result<> is_early_enough() {
  if (has_ring()) return fail(errc::invalid_argument, "drop_privileges: a loop with a ring was made before");
  if (count_threads() > 1)
    return fail(errc::invalid_argument, "drop_privileges: threads were started before");
  return {};
}

std::vector<gid_t> sorted(std::vector<gid_t> groups) {
  std::ranges::sort(groups);
  groups.erase(std::ranges::unique(groups).begin(), groups.end());
  return groups;
}

result<std::vector<gid_t>> current_groups() {
  std::vector<gid_t> groups(groups_max);
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  if (count < 0) return fail(error::from_errno(errno, "getgroups"));
  groups.resize(static_cast<std::size_t>(count));
  return sorted(std::move(groups));
}

/// Is every one of real, effective and saved the one that is wanted?
bool is_identity(const identity& wanted) {
  uid_t users[3];
  gid_t groups[3];
  if (::getresuid(&users[0], &users[1], &users[2]) != 0) return false;
  if (::getresgid(&groups[0], &groups[1], &groups[2]) != 0) return false;
  return std::ranges::all_of(users, [&](uid_t each) { return each == wanted.user; }) &&
         std::ranges::all_of(groups, [&](gid_t each) { return each == wanted.group; });
}

result<> change_identity(const identity& to) {
  if (::setgroups(to.groups.size(), to.groups.data()) != 0)
    return fail(error::from_errno(errno, "drop_privileges: setgroups"));
  if (::setresgid(to.group, to.group, to.group) != 0)
    return fail(error::from_errno(errno, "drop_privileges: setresgid"));
  if (::setresuid(to.user, to.user, to.user) != 0)
    return fail(error::from_errno(errno, "drop_privileges: setresuid"));
  return {};
}

using capability_words = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

int call_capabilities(long which, capability_words& words) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return static_cast<int>(::syscall(which, &header, words.data()));
}

result<> give_up_capabilities() {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    return fail(error::from_errno(errno, "drop_privileges: PR_CAP_AMBIENT"));
  capability_words none{};
  if (call_capabilities(SYS_capset, none) != 0)
    return fail(error::from_errno(errno, "drop_privileges: capset"));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail(error::from_errno(errno, "drop_privileges: PR_SET_NO_NEW_PRIVS"));
  return {};
}

/// Believes nothing that was answered before.
result<> make_sure(const identity& wanted) {
  const result<std::vector<gid_t>> groups = current_groups();
  if (!groups) return fail(groups.error());
  if (!is_identity(wanted) || *groups != sorted(wanted.groups))
    return fail(std::errc::operation_not_permitted, "drop_privileges: the identity was not taken");
  if (::setresuid(0, 0, 0) == 0 || ::setuid(0) == 0 || ::seteuid(0) == 0)
    return fail(std::errc::operation_not_permitted, "drop_privileges: there is a way back to root");
  capability_words held{};
  if (call_capabilities(SYS_capget, held) != 0)
    return fail(error::from_errno(errno, "drop_privileges: capget"));
  for (const __user_cap_data_struct& each : held)
    if ((each.effective | each.permitted | each.inheritable) != 0)
      return fail(std::errc::operation_not_permitted, "drop_privileges: capabilities are left");
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
    return fail(std::errc::operation_not_permitted, "drop_privileges: no_new_privs was not taken");
  return {};
}

} // namespace

result<identity> identity::of_user(const std::string& name) {
  std::vector<char> texts(16384); // sysconf(_SC_GETPW_R_SIZE_MAX) is a hint below this
  passwd entry{};
  passwd* found = nullptr;
  const int refused = ::getpwnam_r(name.c_str(), &entry, texts.data(), texts.size(), &found);
  if (refused != 0) return fail(error::from_errno(refused, "getpwnam").at(name));
  if (!found) return fail(error(errc::invalid_argument, "no such user").at(name));

  std::vector<gid_t> groups(groups_max);
  int count = static_cast<int>(groups.size());
  if (::getgrouplist(name.c_str(), entry.pw_gid, groups.data(), &count) < 0)
    return fail(error(std::errc::value_too_large, "getgrouplist").at(name));
  groups.resize(static_cast<std::size_t>(count));
  return identity(entry.pw_uid, entry.pw_gid, std::move(groups));
}

result<> drop_privileges(const identity& to) {
  if (to.user == 0) return fail(errc::invalid_argument, "drop_privileges: to root");
  if (result<> early = is_early_enough(); !early) return early;
  const result<std::vector<gid_t>> groups = current_groups();
  if (!groups) return fail(groups.error());
  const bool is_it_already = is_identity(to) && *groups == sorted(to.groups);
  if (!is_it_already)
    if (result<> changed = change_identity(to); !changed) return changed;
  if (result<> given_up = give_up_capabilities(); !given_up) return given_up;
  return make_sure(to);
}

} // namespace weir
