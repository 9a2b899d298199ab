// postgres_cancel: asks the server to end the statement that a connection waits for.
//
// libpq 15 does that over a connection of its own and blocks meanwhile (PQcancel), for minutes where the
// network swallows packets. So a thread of the pool does it (class user), of which nobody has to wait for the
// end: it shares nothing with the loop but an eventfd that it sets. Whoever wants to send the next statement
// waits for that first, or the request could hit that one. Thread rule: any; the object belongs to one.
#pragma once

#include <weir/io/blocking_pool.hpp>
#include <weir/io/descriptor.hpp>

#include <libpq-fe.h>

#include <memory>

namespace weir {

class postgres_cancel {
 public:
  postgres_cancel() = default;
  /// Begins to ask. Empty where there is not even memory for it.
  static postgres_cancel begin(PGconn& of, blocking_pool& on) noexcept;

  explicit operator bool() const noexcept { return ended_ != nullptr; }
  /// Readable once the server has acted on the request, or could not be asked.
  int descriptor_of_end() const noexcept { return ended_->get(); }

 private:
  class request;

  std::shared_ptr<descriptor> ended_; ///< eventfd(2)
};

} // namespace weir
