#include <weir/sim/descriptor_table.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/passed_files.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace weir::sim {
namespace {

constexpr std::size_t passed_files_max = 253; // SCM_MAX_FD

} // namespace

passed_file::passed_file(file& of) noexcept : what_(&of) {
  descriptor_table::opened(of);
}

passed_file& passed_file::operator=(passed_file&& other) noexcept {
  std::swap(what_, other.what_);
  return *this;
}

passed_file::~passed_file() {
  if (what_) descriptor_table::let_go(*what_);
}

int take_passed_files(host& from, const msghdr& sent, std::vector<passed_file>& into) {
  into.clear();
  auto& header = const_cast<msghdr&>(sent); // the macros of cmsg(3) only read it
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    if (count > passed_files_max) return -EINVAL;
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(each) + i * sizeof number, sizeof number);
      file* const what = from.descriptors().find(number);
      if (!what) return -EBADF;
      into.emplace_back(*what);
    }
  }
  return 0;
}

void give_passed_files(host& to, std::vector<passed_file>& files, msghdr& into) noexcept {
  const std::size_t room = into.msg_control ? into.msg_controllen : 0;
  into.msg_controllen = 0;
  if (files.empty()) return;
  std::size_t given = 0;
  auto* const header = static_cast<cmsghdr*>(into.msg_control);
  for (passed_file& each : files) {
    if (room < CMSG_LEN((given + 1) * sizeof(int))) break;
    const int number = to.descriptors().add(each.what());
    if (number < 0) break;
    std::memcpy(CMSG_DATA(header) + given * sizeof number, &number, sizeof number);
    ++given;
  }
  if (given < files.size()) into.msg_flags |= MSG_CTRUNC;
  files.clear();
  if (given == 0) return;
  header->cmsg_len = CMSG_LEN(given * sizeof(int));
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  into.msg_controllen = std::min(room, CMSG_SPACE(given * sizeof(int)));
}

} // namespace weir::sim
