// thread: code that blocks, in a simulated world: a peer that sends until the socket is full and waits, a
// part of a program that is no task. It runs when the world lets it, until it waits in one of its host's
// system calls; nothing else runs meanwhile, so that the seed decides about it as about all others.
//
// Thread rule: made and ended on the world's thread; `body` runs on a thread of its own, and never at the
// same time. Lifetime: its end waits for `body`, and lets the world go on until then.
#pragma once

#include <weir/sim/world.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace weir::sim {

class host;

class thread final : public participant, private world::patience {
 public:
  thread(host& on, std::move_only_function<void()> body);
  ~thread();

  bool has_ended() const noexcept;

 private:
  struct baton;
  std::uint64_t runnable_at_ns() const noexcept override;
  void run() override;
  void wait(const std::function<bool()>& is_over, std::uint64_t until_ns) override;

  host& host_;
  std::unique_ptr<baton> baton_;
};

} // namespace weir::sim
