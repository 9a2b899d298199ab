#include <weir/async/event.hpp>
#include <weir/async/scope.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/operation.hpp>
#include <weir/os/pipe_end.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace weir {

/// A write that the system has whole until it ends. It lives until then, also when its end is gone before.
class pipe_end::unwritten : private send_operation, public std::enable_shared_from_this<unwritten> {
 public:
  explicit unwritten(int end) noexcept : send_operation(end, {}, &ended, true) { settled_.set(); }

  /// As much of it as there is room for; how much that is.
  std::size_t begin(std::span<const std::byte> from) noexcept {
    const std::size_t size = std::min(from.size(), bytes_.size());
    std::memcpy(bytes_.data(), from.data(), size);
    buffer = std::span(bytes_).first(size);
    settled_.reset();
    self_ = shared_from_this();
    home_ = loop::current();
    home_->start(*this);
    return size;
  }

  auto settled() noexcept { return settled_.wait(); }
  /// Of the last, once it is settled.
  result<> outcome() const {
    if (result_ < 0) return fail(error::from_errno(result_, "write"));
    return {};
  }

  /// What the pipe has not taken is dropped.
  void give_up(weir::descriptor end) noexcept {
    if (!self_) return;
    end_ = std::move(end);
    home_->cancel(*this);
  }

 private:
  static constexpr std::size_t bytes_max = 64 * 1024;

  static void ended(operation& op, completion&& what) noexcept {
    auto& self = static_cast<unwritten&>(op);
    self.result_ = what.result;
    self.settled_.set();
    self.self_.reset(); // may be gone now
  }

  std::shared_ptr<unwritten> self_; ///< while it is under way
  loop* home_ = nullptr;
  weir::descriptor end_; ///< of an end that was closed meanwhile
  event settled_{event_reset::manual};
  int result_ = 0;
  std::array<std::byte, bytes_max> bytes_;
};

task<result<std::size_t>> pipe_end::write_some(std::span<const std::byte> from) {
  cancellation* scope = co_await current_cancellation();
  if (scope && scope->is_requested()) co_return fail(std::errc::operation_canceled, "write");
  if (!unwritten_) unwritten_ = std::make_shared<unwritten>(end_.get());
  const std::shared_ptr<unwritten> writing = unwritten_;
  result<> earlier = co_await writing->settled();
  if (!earlier) co_return fail(std::errc::operation_canceled, "write");
  earlier = writing->outcome();
  if (!earlier) co_return fail(std::move(earlier).error());
  if (from.empty()) co_return std::size_t{0};
  const std::size_t size = writing->begin(from);
  result<> waited = co_await writing->settled();
  if (!waited) co_return size; // cancelled: it goes on
  result<> written = writing->outcome();
  if (!written) co_return fail(std::move(written).error());
  co_return size;
}

void pipe_end::close() noexcept {
  if (unwritten_) unwritten_->give_up(std::move(end_));
  unwritten_.reset();
  end_.reset();
}

} // namespace weir
