// Operations on files as requests to io_uring.
#pragma once

#include "uring_abi.hpp"

#include <weir/io/file_operations.hpp>

namespace weir {

/// Which request carries out an operation of that kind.
io_uring_op request_for_file(operation_kind kind) noexcept;

void prepare_file_request(io_uring_sqe& entry, file_operation& op) noexcept;

} // namespace weir
