// The system calls behind the operations on files: each may wait for a disk. For threads of the pool.
#pragma once

#include <weir/io/file_operations.hpp>

namespace weir {

/// Makes the call of `op` and returns its result, or -errno; a signal ends none of them.
int call_blocking(file_operation& op) noexcept;

} // namespace weir
