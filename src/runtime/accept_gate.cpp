#include <weir/async/event.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/runtime/accept_gate.hpp>
#include <weir/runtime/doorbell.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>

namespace weir {
namespace {

constexpr auto look_again_after = std::chrono::milliseconds(100);

std::size_t limit_of(const gate_options& options, unsigned shares) {
  std::size_t limit = options.connections_max;
  if (const auto left = calls().descriptors_left())
    limit = std::min(limit, *left - std::min(*left, options.descriptors_reserve));
  return std::max<std::size_t>(limit / shares, 1);
}

descriptor open_reserve() noexcept {
  return descriptor(calls().open("/dev/null", O_RDONLY | O_CLOEXEC, 0));
}

bool is_out_of_descriptors(const error& why) noexcept {
  return why == std::errc::too_many_files_open || why == std::errc::too_many_files_open_in_system ||
         why == std::errc::no_buffer_space || why == std::errc::not_enough_memory;
}

} // namespace

struct accept_gate::state : doorbell, std::enable_shared_from_this<state> {
  state(const gate_options& wanted, unsigned shares)
      : doorbell([](doorbell& self) noexcept { static_cast<state&>(self).rung(); }), options(wanted),
        limit(limit_of(wanted, shares)), reserve(open_reserve()) {
    assert(loop::current() && "a gate is made on the loop that accepts");
    install(*loop::current());
  }

  void give_back() noexcept {
    in_use.fetch_sub(1, std::memory_order_seq_cst);
    ring();
  }
  void close() noexcept {
    reserve.reset();
    if (!leave()) leaving = shared_from_this();
  }
  void rung() noexcept {
    ended.set();
    const std::shared_ptr<state> last = std::move(leaving); // may be the last owner
  }

  const gate_options options;
  const std::size_t limit;
  std::atomic<std::size_t> in_use{0};
  event ended{event_reset::automatic};
  descriptor reserve;
  std::uint64_t shed = 0;
  std::shared_ptr<state> leaving;
};

void accept_gate::permit::give_back::operator()(state* to) const noexcept {
  to->give_back();
}

void accept_gate::leave::operator()(state* left) const noexcept {
  left->close();
}

accept_gate::accept_gate(const gate_options& options, unsigned shares) {
  auto made = std::make_shared<state>(options, shares);
  state* const bare = made.get();
  state_ = std::unique_ptr<state, leave>(bare, leave{std::move(made)});
}

std::size_t accept_gate::limit() const noexcept {
  return state_->limit;
}

std::size_t accept_gate::in_use() const noexcept {
  return state_->in_use.load(std::memory_order_relaxed);
}

std::uint64_t accept_gate::shed() const noexcept {
  return state_->shed;
}

std::optional<accept_gate::permit> accept_gate::try_admit() noexcept {
  // Only this loop takes; others give back.
  if (state_->in_use.load(std::memory_order_seq_cst) >= state_->limit) return std::nullopt;
  state_->in_use.fetch_add(1, std::memory_order_seq_cst);
  return permit(state_.get_deleter().keeper);
}

task<result<accept_gate::admitted>> accept_gate::accept(listener& door) {
  for (;;) {
    std::optional<permit> right = try_admit();
    if (!right && state_->options.at_limit == overload::wait) {
      result<> freed = co_await until_below_limit();
      if (!freed) co_return fail(freed.error());
      continue;
    }
    result<descriptor> connection = co_await door.accept_descriptor();
    if (connection) {
      if (!right) right = try_admit(); // one may have ended meanwhile
      if (right) co_return admitted(std::move(*connection), std::move(*right));
      shed_one(std::move(*connection));
    } else if (is_out_of_descriptors(connection.error())) {
      right.reset();
      result<> passed = co_await descriptors_ran_out(door);
      if (!passed) co_return fail(passed.error());
    } else if (connection.error() != std::errc::connection_aborted) {
      co_return fail(connection.error());
    }
  }
}

task<result<>> accept_gate::until_below_limit() {
  state_->listen();
  if (in_use() < state_->limit) co_return result<>(); // one has ended before we listened
  result<> woken = co_await state_->ended.wait();
  co_return woken;
}

/// Says what there is to say and closes in a way that lets it arrive: unread input would make it a reset.
void accept_gate::shed_one(descriptor connection) noexcept {
  ++state_->shed;
  const std::string& farewell = state_->options.farewell;
  if (!farewell.empty()) {
    [[maybe_unused]] const ssize_t sent =
        calls().send(connection.get(), farewell.data(), farewell.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    calls().shutdown(connection.get(), SHUT_WR);
  }
  std::array<char, 4096> dropped;
  constexpr int pieces_max = 16;
  for (int i = 0; i < pieces_max; ++i)
    if (calls().recv(connection.get(), dropped.data(), dropped.size(), MSG_DONTWAIT) <= 0) return;
}

/// An accept fails then whether or not somebody is there: only where one was shed the next may be waiting.
task<result<>> accept_gate::descriptors_ran_out(listener& door) {
  bool has_shed = false;
  if (state_->options.at_limit == overload::shed && state_->reserve) {
    state_->reserve.reset();
    descriptor connection(
        calls().accept4(door.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    has_shed = bool(connection);
    if (connection) shed_one(std::move(connection));
  }
  if (!state_->reserve) state_->reserve = open_reserve();
  if (has_shed && state_->reserve) co_return result<>();
  state_->listen();
  const auto one_ends = [this]() -> task<result<>> {
    result<> woken = co_await state_->ended.wait();
    co_return woken;
  };
  result<> woken = co_await with_deadline(look_again_after, one_ends());
  if (!woken && woken.error().is_timeout()) co_return result<>();
  co_return woken;
}

} // namespace weir
