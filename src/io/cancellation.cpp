#include <weir/io/cancellation.hpp>

#include <cassert>

namespace weir {

cancellation::cancellation(cancellation* parent) noexcept
    : cancel_callback([](cancel_callback& self) noexcept { static_cast<cancellation&>(self).request(); },
                      [](const cancel_callback& self, const wait_visitor& visit) {
                        static_cast<const cancellation&>(self).for_each_wait(visit);
                      }) {
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
  while (cancel_callback* callback = callbacks_.pop_front()) callback->role_->on_request(*callback);
}

void cancellation::add(cancel_callback& callback) noexcept {
  assert(!requested_);
  callbacks_.push_back(callback);
}

void cancellation::for_each_wait(const wait_visitor& visit) const {
  for (const cancel_callback* each = callbacks_.front(); each; each = callbacks_.next(*each))
    if (each->role_->tell) each->role_->tell(*each, visit);
}

} // namespace weir
