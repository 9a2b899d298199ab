#include <weir/io/cancellation.hpp>

#include <cassert>

namespace weir {

cancellation::cancellation(cancellation* parent) noexcept
    : cancel_callback([](cancel_callback& self) noexcept { static_cast<cancellation&>(self).request(); }) {
  if (!parent) return;
  if (parent->is_requested()) {
    requested_ = true;
  } else {
    parent->add(*this);
  }
}

void cancellation::request() noexcept {
  if (requested_) return;
  requested_ = true;
  while (cancel_callback* callback = callbacks_.pop_front()) callback->on_request_(*callback);
}

void cancellation::add(cancel_callback& callback) noexcept {
  assert(!requested_);
  callbacks_.push_back(callback);
}

} // namespace weir
