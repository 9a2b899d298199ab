#include "uring_files.hpp"

namespace weir {
namespace {

void prepare(io_uring_sqe& entry, const transfer_at_operation& op) noexcept {
  const std::span<const iovec> pieces = op.pieces();
  const bool reads = op.kind() == operation_kind::read_at;
  if (pieces.size() == 1) { // saves the kernel the copy of the array
    const auto bytes = static_cast<unsigned>(pieces.front().iov_len);
    io_uring_prep_rw(reads ? IORING_OP_READ : IORING_OP_WRITE, &entry, op.descriptor(),
                     pieces.front().iov_base, bytes, op.offset);
  } else {
    io_uring_prep_rw(reads ? IORING_OP_READV : IORING_OP_WRITEV, &entry, op.descriptor(), pieces.data(),
                     static_cast<unsigned>(pieces.size()), op.offset);
  }
}

} // namespace

io_uring_op request_for_file(operation_kind kind) noexcept {
  switch (kind) {
  case operation_kind::open:
    return IORING_OP_OPENAT;
  case operation_kind::read_at:
    return IORING_OP_READ;
  case operation_kind::write_at:
    return IORING_OP_WRITE;
  case operation_kind::sync:
    return IORING_OP_FSYNC;
  case operation_kind::allocate:
    return IORING_OP_FALLOCATE;
  case operation_kind::truncate:
    return uring_abi::op_ftruncate;
  case operation_kind::status:
    return IORING_OP_STATX;
  case operation_kind::rename:
    return IORING_OP_RENAMEAT;
  case operation_kind::unlink:
    return IORING_OP_UNLINKAT;
  case operation_kind::make_directory:
    return IORING_OP_MKDIRAT;
  case operation_kind::splice:
    return IORING_OP_SPLICE;
  default:
    assert(false && "not an operation on files");
    return IORING_OP_NOP;
  }
}

void prepare_file_request(io_uring_sqe& entry, file_operation& op) noexcept {
  const int target = op.descriptor();
  switch (op.kind()) {
  case operation_kind::open: {
    const auto& opening = static_cast<const open_operation&>(op);
    io_uring_prep_openat(&entry, target, opening.path, opening.flags | O_CLOEXEC, opening.mode);
    break;
  }
  case operation_kind::read_at:
  case operation_kind::write_at:
    prepare(entry, static_cast<const transfer_at_operation&>(op));
    break;
  case operation_kind::sync:
    io_uring_prep_fsync(&entry, target,
                        static_cast<const sync_operation&>(op).data_only ? IORING_FSYNC_DATASYNC : 0);
    break;
  case operation_kind::allocate: {
    const auto& range = static_cast<const allocate_operation&>(op);
    io_uring_prep_fallocate(&entry, target, range.mode, static_cast<off_t>(range.offset),
                            static_cast<off_t>(range.bytes));
    break;
  }
  case operation_kind::truncate:
    io_uring_prep_rw(uring_abi::op_ftruncate, &entry, target, nullptr, 0,
                     static_cast<const truncate_operation&>(op).size_bytes);
    break;
  case operation_kind::status: {
    const auto& asking = static_cast<const status_operation&>(op);
    io_uring_prep_statx(&entry, target, asking.path, asking.flags, asking.mask, asking.into);
    break;
  }
  case operation_kind::rename: {
    const auto& renaming = static_cast<const rename_operation&>(op);
    io_uring_prep_renameat(&entry, target, renaming.from, renaming.to_directory, renaming.to, renaming.flags);
    break;
  }
  case operation_kind::unlink: {
    const auto& removing = static_cast<const unlink_operation&>(op);
    io_uring_prep_unlinkat(&entry, target, removing.path, removing.flags);
    break;
  }
  case operation_kind::make_directory: {
    const auto& making = static_cast<const make_directory_operation&>(op);
    io_uring_prep_mkdirat(&entry, target, making.path, making.mode);
    break;
  }
  case operation_kind::splice: {
    const auto& moving = static_cast<const splice_operation&>(op);
    io_uring_prep_splice(&entry, target, moving.from_offset, moving.to, moving.to_offset, moving.bytes,
                         SPLICE_F_NONBLOCK);
    break;
  }
  default:
    assert(false && "not an operation on files");
  }
}

} // namespace weir
