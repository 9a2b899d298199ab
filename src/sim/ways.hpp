// ways: who answers what a world draws, choice by choice, where it is not the seed (exhaustive.hpp).
#pragma once

#include <weir/sim/choices.hpp>
#include <weir/sim/random.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace weir::sim {

/// The answers that are tried where one of `bound` is drawn: all, or of a wide range both ends.
class tried_answers {
 public:
  explicit tried_answers(std::uint64_t bound) noexcept : bound_(bound) {}

  std::uint64_t count() const noexcept { return is_narrow() ? bound_ : 2; }
  std::uint64_t value_of(std::uint64_t answer) const noexcept {
    return is_narrow() ? answer : answer * (bound_ - 1);
  }

 private:
  static constexpr std::uint64_t narrow_max = 8;
  bool is_narrow() const noexcept { return bound_ <= narrow_max; }

  std::uint64_t bound_;
};

/// All combinations of answers to the first choices; to those behind them the seed answers.
class all_ways final : public random_source::chooser {
 public:
  explicit all_ways(std::size_t choices_max) noexcept : choices_max_(choices_max) {}

  bool next() {
    asked_ = 0;
    return all_.next();
  }
  bool choose(std::uint64_t bound, std::uint64_t& chosen) noexcept override {
    if (asked_ == choices_max_) {
      is_cut_ = true;
      return false;
    }
    ++asked_;
    const tried_answers tried(bound);
    chosen = tried.value_of(all_.below(tried.count()));
    return true;
  }
  /// Whether any run asked for more.
  bool is_cut() const noexcept { return is_cut_; }
  /// "0,1,1"
  std::string text() const {
    std::string text;
    for (const std::uint64_t each : all_.answers()) text += (text.empty() ? "" : ",") + std::to_string(each);
    return text;
  }

 private:
  choices all_;
  std::size_t choices_max_;
  std::size_t asked_ = 0;
  bool is_cut_ = false;
};

/// One of them.
class single_way final : public random_source::chooser {
 public:
  explicit single_way(std::vector<std::uint64_t> answers) noexcept : answers_(std::move(answers)) {}

  bool choose(std::uint64_t bound, std::uint64_t& chosen) noexcept override {
    if (asked_ == answers_.size()) return false;
    const tried_answers tried(bound);
    chosen = tried.value_of(std::min(answers_[asked_++], tried.count() - 1));
    return true;
  }

 private:
  std::vector<std::uint64_t> answers_;
  std::size_t asked_ = 0;
};

} // namespace weir::sim
