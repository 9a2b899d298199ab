// Operations on files: each stands in line for a while, then does what it does at one moment, and becomes
// known a while after. A crash may come before, after, or in between.
#include "disk_file.hpp"

#include <weir/io/file_operations.hpp>
#include <weir/sim/fault_plan.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/pipe.hpp>
#include <weir/sim/sim_proactor.hpp>
#include <weir/sim/world.hpp>

#include <cerrno>

namespace weir::sim {
namespace {

// How long it takes at most: what the cache answers, and what waits for the disk.
constexpr std::uint64_t cached_max_ns = 50'000;
constexpr std::uint64_t disk_max_ns = 8'000'000;

/// The calls behind the operations, on the disk of one host.
class file_calls {
 public:
  explicit file_calls(host& on) noexcept : host_(on), disk_(on.storage()) {}

  int of(operation& op) {
    return visit_file_operation(static_cast<file_operation&>(op), [&](auto& which) { return call(which); });
  }

 private:
  /// What stands behind a descriptor; null with the reason in `error`. None for AT_FDCWD.
  disk::open_file* opened(int number, int& error) {
    error = 0;
    if (number == AT_FDCWD) return nullptr;
    file* const found = host_.descriptors().find(number);
    auto* const of_disk = dynamic_cast<disk_file*>(found);
    if (of_disk) return of_disk->opened.get();
    error = found ? -EINVAL : -EBADF;
    return nullptr;
  }

  /// `act` on what is open there.
  template <class Act>
  int on_file(const operation& op, Act act) {
    int error = 0;
    disk::open_file* const file = opened(op.descriptor(), error);
    if (!file) return error != 0 ? error : -EBADF;
    return act(*file);
  }

  /// `act` with the directory that its path begins in; null: its own.
  template <class Act>
  int in_directory(const operation& op, Act act) {
    int error = 0;
    const disk::open_file* const at = opened(op.descriptor(), error);
    return error != 0 ? error : act(at);
  }

  int call(read_at_operation& op) {
    return on_file(op, [&](const disk::open_file& file) {
      const auto got = static_cast<int>(disk_.read_at(file, op.offset, op.pieces()));
      if (got > 0) note(event::file_read, op.offset, got);
      return got;
    });
  }

  int call(write_at_operation& op) {
    return on_file(op, [&](disk::open_file& file) {
      const auto put = static_cast<int>(disk_.write_at(file, op.offset, op.pieces()));
      if (put > 0) note(event::file_written, op.offset, put);
      return put;
    });
  }

  int call(sync_operation& op) {
    return on_file(op, [&](disk::open_file& file) {
      note(event::file_synced, 0, 0);
      return disk_.sync(file, op.data_only);
    });
  }

  int call(allocate_operation& op) {
    return on_file(op,
                   [&](disk::open_file& file) { return disk_.allocate(file, op.mode, op.offset, op.bytes); });
  }

  int call(truncate_operation& op) {
    return on_file(op, [&](disk::open_file& file) { return disk_.truncate(file, op.size_bytes); });
  }

  int call(splice_operation& op) {
    file* const from = host_.descriptors().find(op.descriptor());
    file* const to = host_.descriptors().find(op.to);
    if (!from || !to) return -EBADF;
    const auto moved =
        static_cast<int>(splice(disk_, {*from, op.from_offset}, {*to, op.to_offset}, op.bytes));
    if (moved > 0) note(event::file_read, static_cast<std::uint64_t>(op.from_offset), moved);
    return moved;
  }

  int call(open_operation& op) {
    return in_directory(op, [&](const disk::open_file* at) {
      if (host_.in().faults().happens(fault::no_descriptors, host_.number())) return -EMFILE;
      disk::handle made;
      const int error = disk_.open(at, op.path, op.flags, op.mode, made);
      if (error != 0) return error;
      return host_.descriptors().add(file_ref(new disk_file(std::move(made), op.flags)));
    });
  }

  int call(status_operation& op) {
    return in_directory(
        op, [&](const disk::open_file* at) { return disk_.status(at, op.path, op.flags, *op.into); });
  }

  int call(rename_operation& op) {
    return in_directory(op, [&](const disk::open_file* at) {
      int error = 0;
      const disk::open_file* const to_at = opened(op.to_directory, error);
      return error != 0 ? error : changed(op, disk_.rename(at, op.from, to_at, op.to, op.flags));
    });
  }

  int call(unlink_operation& op) {
    return in_directory(
        op, [&](const disk::open_file* at) { return changed(op, disk_.unlink(at, op.path, op.flags)); });
  }

  int call(make_directory_operation& op) {
    return in_directory(op, [&](const disk::open_file* at) {
      return changed(op, disk_.make_directory(at, op.path, op.mode));
    });
  }

  int changed(const operation& op, int outcome) noexcept {
    if (outcome == 0) note(event::file_changed, static_cast<std::uint64_t>(op.kind()), 0);
    return outcome;
  }
  void note(event what, std::uint64_t a, int b) noexcept {
    host_.in().log().note(what, host_.number(), 0, a, static_cast<std::uint64_t>(b));
  }

  host& host_;
  disk& disk_;
};

bool waits_for_disk(operation_kind kind) noexcept {
  return kind == operation_kind::sync || kind == operation_kind::read_at || kind == operation_kind::open;
}

} // namespace

void sim_proactor::begin_on_file(operation& op) noexcept {
  later(op, host_.in().random().between(1, cached_max_ns), &sim_proactor::carry_out);
}

void sim_proactor::carry_out(operation& op) noexcept {
  host_.storage().set_time(static_cast<std::uint64_t>(host_.wall_clock_ns()));
  kept_result_of(op) = file_calls(host_).of(op);
  flags_of(op) |= flag_moved;
  later(op, host_.in().random().between(1, waits_for_disk(op.kind()) ? disk_max_ns : cached_max_ns),
        &sim_proactor::tell_carried_out);
}

void sim_proactor::tell_carried_out(operation& op) noexcept {
  complete(op, kept_result_of(op));
}

void sim_proactor::cancel_on_file(operation& op) noexcept {
  if (happens(fault::cancel_came_late)) {
    state_of(op) = operation_state::cancelling;
    return;
  }
  [[maybe_unused]] const bool had_not_begun = drop_later(op);
  assert(had_not_begun);
  complete(op, -ECANCELED);
}

} // namespace weir::sim
