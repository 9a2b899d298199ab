// descriptor_table: the descriptors of a simulated host. Their numbers begin where no process has any, so
// that a system call of the real kernel on one of them fails with EBADF instead of meeting another file.
//
// As in the kernel the lowest free number is taken. Bound: `limit`, then -EMFILE. Thread rule: the world's
// thread.
#pragma once

#include <weir/sim/file.hpp>

#include <cstddef>
#include <vector>

namespace weir::sim {

class descriptor_table {
 public:
  static constexpr int first_number = 1 << 24;
  static bool is_simulated(int number) noexcept { return number >= first_number; }

  /// The new descriptor, or -EMFILE.
  int add(file_ref what);
  /// Of the lowest number from `from` on that is free: dup(2), F_DUPFD.
  int duplicate(int number, int from = first_number);
  /// Under that number, in the place of whatever had it: dup3(2).
  int duplicate_as(int number, int as);
  /// 0, or -EBADF. Tells the file when this was its last descriptor.
  int close(int number) noexcept;
  void close_all() noexcept;

  /// Null: not open.
  file* find(int number) const noexcept {
    const std::size_t index = index_of(number);
    return index < slots_.size() ? slots_[index].what.get() : nullptr;
  }
  bool is_close_on_exec(int number) const noexcept { return slots_[index_of(number)].is_close_on_exec; }
  void set_close_on_exec(int number, bool wanted) noexcept {
    slots_[index_of(number)].is_close_on_exec = wanted;
  }

  // What counts as a descriptor of a file, such as one that is under way in a message.
  static void opened(file& what) noexcept { ++what.descriptors_; }
  static void let_go(file& what) noexcept;

  std::size_t open_count() const noexcept { return open_; }
  std::size_t limit() const noexcept { return limit_; }
  void set_limit(std::size_t most) noexcept { limit_ = most; }

 private:
  struct slot {
    file_ref what;
    bool is_close_on_exec = true;
  };
  static std::size_t index_of(int number) noexcept {
    return static_cast<std::size_t>(static_cast<unsigned>(number) - static_cast<unsigned>(first_number));
  }
  int put(file_ref what, std::size_t from);
  int put_at(file_ref what, std::size_t index);

  std::vector<slot> slots_;
  std::size_t lowest_free_ = 0; ///< none below it is free
  std::size_t open_ = 0;
  std::size_t limit_ = 20'000;
};

} // namespace weir::sim
