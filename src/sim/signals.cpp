#include <weir/sim/signals.hpp>

#include <poll.h>
#include <sys/signalfd.h>

#include <bit>
#include <csignal>
#include <cstring>
#include <span>

namespace weir::sim {

class signals::source final : public file, public list_hook<signals::source> {
 public:
  source(signals& of, std::uint64_t numbers) noexcept : wanted(numbers), of_(of) {
    status_flags = O_RDONLY;
    of_.sources_.push_back(*this);
  }
  ~source() override { source::closed(); }

  /// As many records as there is room for.
  int read(std::span<std::byte> into) override {
    if (into.size() < sizeof(signalfd_siginfo)) return -EINVAL;
    std::size_t filled = 0;
    while (filled + sizeof(signalfd_siginfo) <= into.size()) {
      const int number = of_.take(wanted);
      if (number == 0) break;
      signalfd_siginfo told{};
      told.ssi_signo = static_cast<std::uint32_t>(number);
      told.ssi_code = SI_USER;
      std::memcpy(into.data() + filled, &told, sizeof told);
      filled += sizeof told;
    }
    return filled == 0 ? -EAGAIN : static_cast<int>(filled);
  }
  std::uint32_t readiness() const noexcept override {
    return is_open_ && (of_.pending_mask_ & wanted) != 0 ? POLLIN : 0;
  }
  void closed() noexcept override {
    if (std::exchange(is_open_, false)) of_.leave(*this);
  }
  void tell() noexcept { changed(); }

  const std::uint64_t wanted;

 private:
  signals& of_;
  bool is_open_ = true;
};

file_ref signals::open(const sigset_t& wanted) {
  std::uint64_t numbers = 0;
  for (int number = 1; number <= number_max; ++number)
    if (sigismember(&wanted, number) == 1) numbers |= bit_of(number);
  return file_ref(new source(*this, numbers));
}

std::uint64_t signals::wanted_by_any() const noexcept {
  std::uint64_t all = 0;
  for (source* each = sources_.front(); each; each = sources_.next(*each)) all |= each->wanted;
  return all;
}

bool signals::raise(int number) noexcept {
  if (number < 1 || number > number_max || (wanted_by_any() & bit_of(number)) == 0) return false;
  std::uint32_t& queued = pending_[static_cast<std::size_t>(number - 1)];
  const std::uint32_t most = number < SIGRTMIN ? 1 : queued_max;
  if (queued == most) return number < SIGRTMIN;
  ++queued;
  pending_mask_ |= bit_of(number);
  for (source* each = sources_.front(); each; each = sources_.next(*each))
    if ((each->wanted & bit_of(number)) != 0) each->tell();
  return true;
}

int signals::take(std::uint64_t wanted) noexcept {
  const std::uint64_t there = pending_mask_ & wanted;
  if (there == 0) return 0;
  const int number = std::countr_zero(there) + 1;
  if (--pending_[static_cast<std::size_t>(number - 1)] == 0) pending_mask_ &= ~bit_of(number);
  return number;
}

void signals::leave(source& gone) noexcept {
  gone.unlink();
  const std::uint64_t nobodys = gone.wanted & ~wanted_by_any();
  while (take(nobodys) != 0) {
  }
}

} // namespace weir::sim
