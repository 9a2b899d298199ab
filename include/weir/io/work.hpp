// work: a piece of work queued on a loop: a function and the link that queues it. Owned by whoever queues it,
// queued at most once at a time, never allocated by weir. Cross-thread rule: after `loop::post` it belongs to
// the loop until it runs.
#pragma once

namespace weir {

class work {
 public:
  using function = void (*)(work& self) noexcept;
  explicit work(function to_run) noexcept : run_(to_run) {}
  work(const work&) = delete;
  work& operator=(const work&) = delete;

  void run() noexcept { run_(*this); }

  work* next = nullptr; ///< link of the queue that it is on

 private:
  function run_;
};

} // namespace weir
