// signals of a simulated host: those that were raised and that nobody took yet, and the descriptors that tell
// of them (signalfd(2)).
//
// What a descriptor names counts as blocked. A signal that none names is lost: no program is ended by one. As
// in the kernel one below SIGRTMIN that is pending already is not pending twice, later ones queue; of several
// the lowest number is told first. What nobody took is dropped with the last descriptor that names it. Bound:
// `queued_max` of a number. Thread rule: the world's thread. Lifetime: the host's, longer than its
// descriptors.
#pragma once

#include <weir/base/intrusive.hpp>
#include <weir/sim/file.hpp>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>

namespace weir::sim {

class signals {
 public:
  static constexpr int number_max = 64;
  static constexpr std::uint32_t queued_max = 1024;

  /// A descriptor's file.
  file_ref open(const sigset_t& wanted);
  /// False: nobody is told of it, or there are too many.
  bool raise(int number) noexcept;

 private:
  class source;

  static std::uint64_t bit_of(int number) noexcept { return std::uint64_t{1} << (number - 1); }
  std::uint64_t wanted_by_any() const noexcept;
  void leave(source& gone) noexcept;
  /// The lowest of those that are pending; 0: none.
  int take(std::uint64_t wanted) noexcept;

  std::array<std::uint32_t, number_max> pending_{}; ///< how often, by number - 1
  std::uint64_t pending_mask_ = 0;
  intrusive_list<source, source> sources_;
};

} // namespace weir::sim
