// descriptor_passing: the control data of unix-domain sockets, written and read.
#pragma once

#include "control_data.hpp"

#include <weir/base/result.hpp>
#include <weir/net/passed_message.hpp>

#include <cstddef>
#include <span>

namespace weir {

/// Room for what one message may bring.
constexpr std::size_t passed_control_bytes(std::size_t descriptors_max) noexcept {
  return CMSG_SPACE(descriptors_max * sizeof(int)) + CMSG_SPACE(sizeof(ucred));
}

/// Room for what is sent along, filled.
class rights_to_pass {
 public:
  explicit rights_to_pass(std::span<const int> descriptors) noexcept {
    if (!descriptors.empty()) control_.add(SOL_SOCKET, SCM_RIGHTS, std::as_bytes(descriptors));
  }
  std::span<std::byte> bytes() noexcept { return control_.bytes(); }

 private:
  control_writer<CMSG_SPACE(descriptors_limit * sizeof(int))> control_;
};

/// Who sent it, where that is told.
std::optional<peer_credentials> read_credentials(std::span<const std::byte> control) noexcept;

/// Makes the kernel tell who sends (SO_PASSCRED).
result<void> ask_for_credentials(int socket) noexcept;

} // namespace weir
