// uring_self_test: what this kernel really does, found by doing it on socket pairs when the first ring of a
// process is made (about a millisecond): kernels that know a flag and get its behaviour wrong exist.
//
// Thread rule: any thread; loops that start at the same time share one run.
#pragma once

#include <weir/base/result.hpp>
#include <weir/io/capabilities.hpp>

namespace weir {

class uring_self_test {
 public:
  /// The capabilities that passed, for rings that defer task work or do not. An error names what even the
  /// plainest use of io_uring gets wrong.
  static result<capability_mask> proven(bool defers_task_work);

 private:
  class bench;
  class trial;
  static result<capability_mask> run(bool defers_task_work);
};

} // namespace weir
