#include "spin_guard.hpp"

#include <weir/io/loop.hpp>
#include <weir/os/readiness.hpp>
#include <weir/os/watch.hpp>

#include <cassert>
#include <cerrno>
#include <cstdio>

namespace weir {

void report_spinning([[maybe_unused]] int descriptor) noexcept {
#ifndef NDEBUG
  std::fprintf(stderr,
               "weir: the watch of descriptor %d spins: it is called in every turn and changes nothing\n",
               descriptor);
#endif
}

/// Lives until its poll has ended, also when its watch is gone before.
class watch::core : private poll_operation {
 public:
  core(int watched, readiness wanted, function notify, void* context, const watch_options& options,
       std::source_location where) noexcept
      : poll_operation(
            watched, 0,
            [](operation& op, completion&& what) noexcept { static_cast<core&>(op).on_polled(what.result); },
            options.lane),
        home_(*loop::current()), notify_(notify), context_(context), on_spinning_(options.on_spinning),
        spinning_(options.spin_turns), where_(where), interest_(wanted) {
    arm();
  }

  readiness interest() const noexcept { return interest_; }

  void set_interest(readiness wanted) noexcept {
    interest_ = wanted;
    if (!any(wanted)) was_released_ = true;
    if (is_idle()) {
      if (!is_calling_) arm();
    } else if (poll_bits_of(wanted) != events) {
      home_.cancel(*this); // armed anew when that has ended
    }
  }

  void abandon() noexcept {
    is_abandoned_ = true;
    if (!is_idle()) home_.cancel(*this);
    delete_when_unused();
  }

 private:
  void arm() noexcept {
    if (!any(interest_)) return;
    events = poll_bits_of(interest_);
    is_same_file = has_polled_ && !was_released_;
    was_released_ = false;
    home_.start(*this, where_);
  }

  void on_polled(int outcome) noexcept {
    if (is_abandoned_) return delete_when_unused();
    if (was_released_) outcome = -ECANCELED; // known of a file that may be gone since
    has_polled_ = outcome > 0;
    constexpr readiness unasked = readiness::hangup | readiness::failed;
    readiness seen = readiness::none;
    if (outcome >= 0 && any(interest_)) {
      seen = readiness_of_bits(static_cast<std::uint32_t>(outcome)) & (interest_ | unasked);
    } else if (outcome < 0 && outcome != -ECANCELED) {
      interest_ = readiness::none;
      seen = readiness::failed;
    }
    if (any(seen)) call(seen);
    if (is_abandoned_) return delete_when_unused();
    arm();
  }

  void call(readiness seen) noexcept {
    spinning_.before_call(descriptor(), home_.counters().turns);
    is_calling_ = true;
    notify_(context_, seen);
    const bool may_be_closed = is_abandoned_ || was_released_ || !any(interest_);
    if (!may_be_closed && spinning_.after_call(descriptor(), events)) {
      ++home_.counters().watches_spinning;
      if (on_spinning_) on_spinning_(descriptor());
    }
    is_calling_ = false;
  }

  void delete_when_unused() noexcept {
    if (is_idle() && !is_calling_) delete this;
  }

  loop& home_;
  function notify_;
  void* context_;
  void (*on_spinning_)(int) noexcept;
  spin_guard spinning_;
  std::source_location where_;
  readiness interest_;
  bool has_polled_ = false;   ///< its descriptor was ready before
  bool was_released_ = false; ///< wanted nothing since: the number may be another file
  bool is_calling_ = false;
  bool is_abandoned_ = false;
};

watch::watch(int descriptor, readiness wanted, function notify, void* context, const watch_options& options,
             std::source_location where) {
  assert(loop::current() && "a watch is made on a loop");
  core_.reset(new core(descriptor, wanted, notify, context, options, where));
}

void watch::abandon::operator()(core* orphan) const noexcept {
  orphan->abandon();
}

void watch::set_interest(readiness wanted) noexcept {
  core_->set_interest(wanted);
}

readiness watch::interest() const noexcept {
  return core_->interest();
}

} // namespace weir
