// A database as small as it can be: who is greeted asks with a number, and is answered with the number and
// what belongs to it, in the order of the questions. Its client is a connection for weir's pool.
//
// A question whose wait was cancelled leaves an answer on its way: the connection is dirty until that has
// been read. Thread rule and lifetime: those of its stream. Cancel-safety: every call.
#pragma once

#include <weir/adapters/pool_options.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/net/address.hpp>
#include <weir/net/stream.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace weir::scenarios {

inline constexpr std::byte toy_greeting{'!'};

struct toy_answer {
  std::uint32_t number = 0;
  std::uint32_t value = 0;

  static std::uint32_t value_of(std::uint32_t number) noexcept { return number * 2'654'435'761u + 1; }
};

/// Who is alive, for those who look whether a pool keeps its bounds.
struct toy_census {
  std::size_t being_made = 0;
  std::size_t open = 0;
};

class toy_connection {
 public:
  static task<result<toy_connection>> connect(address to, toy_census& counted) {
    const counting making(counted.being_made);
    result<stream> made = co_await stream::connect(to);
    if (!made) co_return fail(std::move(made).error());
    std::array<std::byte, 1> greeting{};
    const transfer greeted = co_await made->read_exactly(greeting);
    if (!greeted) co_return fail(greeted.error());
    co_return toy_connection(std::move(*made), counted);
  }
  toy_connection(toy_connection&& other) noexcept
      : stream_(std::move(other.stream_)), counted_(std::exchange(other.counted_, nullptr)),
        is_broken_(other.is_broken_) {}
  toy_connection& operator=(toy_connection&&) = delete;
  ~toy_connection() {
    if (counted_) --counted_->open;
  }

  connection_state state() const noexcept {
    if (is_broken_) return connection_state::broken;
    return owed_ > 0 ? connection_state::dirty : connection_state::ready;
  }

  task<result<toy_answer>> ask(std::uint32_t number) {
    const transfer sent = co_await stream_.write_all(std::as_bytes(std::span(&number, 1)));
    if (!sent) {
      is_broken_ = sent.bytes() > 0 || !sent.error().is_cancelled(); // half a question cannot be taken back
      co_return fail(sent.error());
    }
    ++owed_;
    co_return co_await next_answer();
  }

  task<result<>> recover() {
    is_recovering = true;
    result<> outcome;
    while (outcome && owed_ > 0) {
      const result<toy_answer> unwanted = co_await next_answer();
      if (!unwanted) outcome = fail(unwanted.error());
    }
    is_recovering = false;
    co_return outcome;
  }

  // For those who look what a pool does with it.
  bool is_lent = false;
  bool is_recovering = false;

 private:
  struct counting {
    explicit counting(std::size_t& counter) noexcept : of(counter) { ++of; }
    ~counting() { --of; }
    counting(const counting&) = delete;
    counting& operator=(const counting&) = delete;
    std::size_t& of;
  };

  toy_connection(stream&& over, toy_census& counted) noexcept : stream_(std::move(over)), counted_(&counted) {
    ++counted_->open;
  }

  task<result<toy_answer>> next_answer() {
    const transfer got = co_await stream_.read_exactly(std::span(answer_).subspan(answer_bytes_));
    answer_bytes_ += got.bytes();
    if (!got) {
      is_broken_ = !got.error().is_cancelled();
      co_return fail(got.error());
    }
    answer_bytes_ = 0;
    --owed_;
    toy_answer answer;
    std::memcpy(&answer, answer_.data(), sizeof answer);
    co_return answer;
  }

  stream stream_;
  toy_census* counted_;
  bool is_broken_ = false;
  std::size_t owed_ = 0;         ///< answers
  std::size_t answer_bytes_ = 0; ///< that have come of the next one
  std::array<std::byte, sizeof(toy_answer)> answer_{};
};

} // namespace weir::scenarios
