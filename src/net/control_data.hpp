// control_data: what stands beside the bytes of a message (cmsg(3)): written, and read.
//
// Thread rule: none, these are values. The kernel's alignment rules are kept by copying: nothing here needs
// its input aligned.
#pragma once

#include <weir/io/descriptor.hpp>
#include <weir/io/platform/sockets.hpp>

#include <array>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace weir {

/// Room for control data of at most `Room` bytes, filled item by item.
template <std::size_t Room>
class control_writer {
 public:
  void add(int level, int type, std::span<const std::byte> value) noexcept {
    assert(size_ + CMSG_SPACE(value.size()) <= Room);
    cmsghdr header{};
    header.cmsg_len = CMSG_LEN(value.size());
    header.cmsg_level = level;
    header.cmsg_type = type;
    std::memcpy(bytes_.data() + size_, &header, sizeof header);
    std::memcpy(bytes_.data() + size_ + CMSG_LEN(0), value.data(), value.size());
    size_ += CMSG_SPACE(value.size());
  }
  template <class Value>
  void add(int level, int type, const Value& value) noexcept {
    add(level, type, std::as_bytes(std::span(&value, 1)));
  }
  std::span<std::byte> bytes() noexcept { return std::span(bytes_).first(size_); }

 private:
  alignas(cmsghdr) std::array<std::byte, Room> bytes_{};
  std::size_t size_ = 0;
};

/// Calls `visit(level, type, value)` for each item.
template <class Visitor>
void for_each_control_item(std::span<const std::byte> control, Visitor&& visit) {
  while (control.size() >= sizeof(cmsghdr)) {
    cmsghdr header;
    std::memcpy(&header, control.data(), sizeof header);
    if (header.cmsg_len < CMSG_LEN(0) || header.cmsg_len > control.size()) return;
    visit(header.cmsg_level, header.cmsg_type, control.subspan(CMSG_LEN(0), header.cmsg_len - CMSG_LEN(0)));
    const std::size_t step = CMSG_ALIGN(header.cmsg_len);
    control = control.subspan(std::min(step, control.size()));
  }
}

/// The value of an item, as much of it as there is.
template <class Value>
Value value_of(std::span<const std::byte> bytes) noexcept {
  Value value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

/// The descriptors that came with a message (SCM_RIGHTS), owned from here on, at most `count_max` of them:
/// what is beyond is closed, and so are all where memory is short. `were_lost`: something was closed.
std::vector<descriptor> take_descriptors(std::span<const std::byte> control, std::size_t count_max,
                                         bool& were_lost) noexcept;

} // namespace weir
