#include "postgres_cancel.hpp"

#include <sys/eventfd.h>

#include <array>
#include <new>
#include <utility>

namespace weir {

/// Owned by the thread that runs it, as soon as the pool has taken it.
class postgres_cancel::request : public pool_work {
 public:
  request(PGconn& of, std::shared_ptr<descriptor> ended) noexcept
      : pool_work([](pool_work& self) noexcept { run(static_cast<request&>(self)); }),
        target_(::PQgetCancel(&of)), ended_(std::move(ended)) {}
  ~request() { ::PQfreeCancel(target_); }

  explicit operator bool() const noexcept { return target_ != nullptr; }

 private:
  static void run(request& self) noexcept {
    const std::unique_ptr<request> owned(&self);
    std::array<char, 256> reason;
    ::PQcancel(self.target_, reason.data(), static_cast<int>(reason.size()));
    ::eventfd_write(self.ended_->get(),
                    1); // a server that could not be asked goes on, and answers in the end
  }

  PGcancel* target_;
  std::shared_ptr<descriptor> ended_;
};

postgres_cancel postgres_cancel::begin(PGconn& of, blocking_pool& on) noexcept {
  try {
    descriptor told(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); // owned before memory is asked for
    auto ended = std::make_shared<descriptor>(std::move(told));
    auto asks = std::make_unique<request>(of, ended);
    if (!*ended || !*asks || !on.submit(pool_class::user, *asks, when_full::wait)) return {};
    (void)asks.release();
    postgres_cancel begun;
    begun.ended_ = std::move(ended);
    return begun;
  } catch (const std::bad_alloc&) {
    return {};
  }
}

} // namespace weir
