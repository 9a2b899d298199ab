// What the kernel's io_uring interface has and the headers of liburing 2.3 (Debian 12) lack, each with the
// kernel that brought it. The values are the kernel's ABI (io_uring_enter(2), io_uring_setup(2)).
#pragma once

#include <liburing.h>

#include <cstdint>

namespace weir::uring_abi {

/// io_uring_params::features: receives may fill several provided buffers at once. Linux 6.10.
inline constexpr std::uint32_t feature_bundles = 1u << 14;
/// io_uring_params::features: enter_without_iowait is known. Linux 6.15.
inline constexpr std::uint32_t feature_no_iowait = 1u << 17;

/// io_uring_sqe::opcode of ftruncate(2), its size in `off`. Linux 6.9.
inline constexpr auto op_ftruncate = static_cast<io_uring_op>(55);

/// io_uring_sqe::ioprio of a receive: fill several buffers of the group in one go. Linux 6.10.
inline constexpr std::uint16_t receive_bundle = 1u << 4;

/// io_uring_enter flag: a sleeping event loop is idle, it does not wait for a disk. Linux 6.15.
inline constexpr std::uint32_t enter_without_iowait = 1u << 7;

} // namespace weir::uring_abi
