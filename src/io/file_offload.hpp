// file_offload: carries operations on files that a proactor cannot hand to its kernel to the blocking pool,
// class `disk`, and their results back.
//
// Thread rule: the proactor's thread; the threads of the pool push what they are done with and wake it.
// Lifetime: a member of the proactor that goes first; its end waits until every thread that woke the
// proactor is out of it. Bound: none of its own: operations stand in the pool's line in their own memory.
#pragma once

#include <weir/io/blocking_pool.hpp>
#include <weir/io/file_operations.hpp>
#include <weir/io/inbox.hpp>

#include <atomic>

namespace weir {

class file_offload {
 public:
  using waker = void (*)(void* context) noexcept;

  /// `pool`: null for the process's, which is made when the first operation comes. `wake` ends the wait of
  /// the proactor, the present one or the next.
  file_offload(blocking_pool* pool, waker wake, void* context) noexcept
      : pool_(pool), wake_(wake), context_(context) {}
  ~file_offload();
  file_offload(const file_offload&) = delete;
  file_offload& operator=(const file_offload&) = delete;

  /// 0: it will be among the finished. Or -errno: nobody takes it.
  int submit(file_operation& op) noexcept;
  /// True: it had not begun and never will. False: it will be among the finished.
  bool revoke(file_operation& op) noexcept;

  struct finished {
    file_operation* op; ///< null: there is none
    int result;
  };
  /// One that a thread is done with, for good; oldest first.
  finished take_finished() noexcept;

 private:
  friend class file_operation;
  static void run(pool_work& self) noexcept;
  blocking_pool& pool() noexcept;

  blocking_pool* pool_;
  waker wake_;
  void* context_;
  inbox done_{0};                      ///< only answers come, which are never refused
  work_queue taken_;                   ///< out of the inbox
  std::atomic<unsigned> returning_{0}; ///< threads that push and wake
};

} // namespace weir
