// choices: enumerates all ways through a small piece of code. Where random search asks a generator, this asks
// `choices`, and runs the code again and again until every combination of answers was given once:
//
//   for (choices all; all.next();) {
//     const auto size = all.between(0, 3);
//     const bool is_closed = all.either();
//     ...                                       // 8 runs
//   }
//
// The idea is A. Kladov's ("Generate All the Things", 2021). The code must ask the same questions whenever
// the answers before were the same. Bound: memory for the answers of one run; the number of runs is the
// product of the numbers of answers, so keep both small: `runs()` tells. Thread rule: one thread.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace weir::sim {

class choices {
 public:
  /// Begins the next run. False: there is no other way left.
  bool next() {
    if (runs_++ == 0) return true;
    assert(asked_ == answers_.size() && "a run asked fewer questions than the one before it had answers for");
    while (!answers_.empty() && answers_.back().given == answers_.back().last) answers_.pop_back();
    asked_ = 0;
    if (answers_.empty()) return false;
    ++answers_.back().given;
    return true;
  }

  /// One of 0 ... bound - 1; a bound of 0 gives 0.
  std::uint64_t below(std::uint64_t bound) { return between(0, bound == 0 ? 0 : bound - 1); }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    if (asked_ == answers_.size()) answers_.push_back({0, most - least});
    assert(answers_[asked_].last == most - least && "the same answers led to another question");
    return least + answers_[asked_++].given;
  }
  bool either() { return below(2) == 1; }

  /// All orders of the elements, in turn.
  template <class T>
  void shuffle(std::vector<T>& elements) {
    for (std::size_t i = 0; i + 1 < elements.size(); ++i)
      std::swap(elements[i], elements[i + below(elements.size() - i)]);
  }

  /// The answers of this run so far, each from 0 on.
  std::vector<std::uint64_t> answers() const {
    std::vector<std::uint64_t> given;
    for (std::size_t i = 0; i < asked_; ++i) given.push_back(answers_[i].given);
    return given;
  }
  /// Runs begun so far.
  std::uint64_t runs() const noexcept { return runs_; }

 private:
  struct answer {
    std::uint64_t given;
    std::uint64_t last;
  };
  std::vector<answer> answers_; ///< of the run under way; those behind `asked_` are of the one before
  std::size_t asked_ = 0;
  std::uint64_t runs_ = 0;
};

} // namespace weir::sim
