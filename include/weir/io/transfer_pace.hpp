// transfer_pace: how many transfers of files a ring stages before the kernel is shown them.
//
// A disk shall not stand idle until the turn is over, and the kernel holds a batch back until its last
// request is there (it plugs the queue, blk_start_plug): so few at once. What the page cache has is answered
// in the submission itself, and then many at once cost less. Which of the two a file is shows only
// afterwards, so the pace follows the answers. Thread rule: the loop's thread.
#pragma once

#include <algorithm>

namespace weir {

class transfer_pace {
 public:
  static constexpr unsigned least = 4;
  static constexpr unsigned most = 32;

  /// One more is staged. True: it is time to submit, and to say how that went.
  bool staged() noexcept { return ++staged_ >= each_; }

  /// `answered`: how many answers the submission itself brought.
  void submitted(unsigned answered) noexcept {
    each_ = answered >= staged_ ? std::min(2 * each_, most) : least;
    staged_ = 0;
    was_due_ = true;
  }

  /// The rest goes with the wait. A pace that is never reached would never learn either.
  void turn_ends() noexcept {
    if (staged_ > 0 && !was_due_) each_ = std::max(each_ / 2, least);
    staged_ = 0;
    was_due_ = false;
  }

 private:
  unsigned each_ = least;
  unsigned staged_ = 0;
  bool was_due_ = false; ///< in this turn
};

} // namespace weir
