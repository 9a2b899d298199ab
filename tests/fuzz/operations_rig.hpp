// What operations_fuzzer.cpp is made of: choices out of the input, and operations that check their own
// contract: each start ends once, and nobody touches an operation or its memory after its end.
#pragma once

#include <weir/io/file_operations.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/message_operations.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace weir::fuzz {

inline void require(bool invariant, const char* text, const std::string& more = "") {
  if (invariant) return;
  std::fprintf(stderr, "broken invariant: %s\n%s", text, more.c_str());
  std::abort();
}

/// Decisions, a byte each; when there are none left, always the first.
class choices {
 public:
  explicit choices(std::span<const std::uint8_t> input) noexcept : left_(input) {}
  bool empty() const noexcept { return left_.empty(); }
  std::uint8_t byte() noexcept {
    if (left_.empty()) return 0;
    const std::uint8_t first = left_.front();
    left_ = left_.subspan(1);
    return first;
  }
  std::size_t below(std::size_t bound) noexcept { return bound == 0 ? 0 : byte() % bound; }
  bool yes() noexcept { return byte() % 2 != 0; }

 private:
  std::span<const std::uint8_t> left_;
};

/// What an object of the test has been given and has given away: bytes, and their sum, which shows what came
/// twice or changed. Bytes of several operations may overtake each other.
struct tally {
  void add(std::span<const std::byte> bytes) noexcept {
    count += bytes.size();
    for (const std::byte each : bytes) sum += std::to_integer<std::uint64_t>(each);
  }
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
  friend bool operator==(const tally&, const tally&) = default;
};

class act;

/// Who hears of completions.
class listener_of_acts {
 public:
  virtual void heard(act& who, completion&& what) = 0;

 protected:
  ~listener_of_acts() = default;
};

/// An operation with its memory.
class act {
 public:
  virtual ~act() { check_memory(); }
  virtual operation& op() noexcept = 0;

  bool is_idle() noexcept { return op().is_idle(); }
  std::span<std::byte> memory() noexcept { return {memory_.get(), memory_bytes_}; }
  tally* to = nullptr;   ///< of bytes that it receives
  tally* from = nullptr; ///< of bytes that it sends

  void start(loop& on) {
    check_memory();
    require(!std::exchange(is_outstanding_, true), "started once");
    on.start(op());
  }

 protected:
  act(listener_of_acts& hears, std::size_t bytes)
      : memory_(std::make_unique<std::byte[]>(bytes)), memory_bytes_(bytes), hears_(hears) {
    std::memset(memory_.get(), 'm', bytes);
  }

  void ended(completion&& what, bool is_many) {
    require(is_outstanding_, "an operation that was not started completes");
    require(!what.more || is_many, "only some operations complete partially");
    require(!what.more || what.result >= 0, "an error is the end");
    is_outstanding_ = what.more;
    if (!what.more) kept_.assign(memory().begin(), memory().end());
    hears_.heard(*this, std::move(what));
  }

 private:
  /// Nothing is owed: what the memory held at the end it holds still.
  void check_memory() {
    if (!kept_.empty()) require(std::ranges::equal(kept_, memory()), "memory is left alone after the end");
    kept_.clear();
  }

  std::unique_ptr<std::byte[]> memory_;
  std::size_t memory_bytes_;
  std::vector<std::byte> kept_;
  listener_of_acts& hears_;
  bool is_outstanding_ = false;
};

/// Stands for the memory of the act among the arguments of its operation.
struct own_memory {};

template <class Operation>
class act_of final : public act, public Operation {
 public:
  /// The arguments of the operation, but for the handler, which is the last.
  template <class... Arguments>
  act_of(listener_of_acts& hears, std::size_t memory_size, Arguments... arguments)
      : act(hears, memory_size), Operation(argument(arguments)..., &act_of::completed) {}

  operation& op() noexcept override { return *this; }

 private:
  template <class T>
  const T& argument(const T& given) noexcept {
    return given;
  }
  std::span<std::byte> argument(const own_memory&) noexcept { return memory(); }

  static void completed(operation& self, completion&& what) noexcept {
    auto& me = static_cast<act_of&>(static_cast<Operation&>(self));
    const operation_kind kind = me.kind();
    me.ended(std::move(what), kind == operation_kind::accept_many || kind == operation_kind::receive_many ||
                                  kind == operation_kind::receive_message_many);
  }
};

class send_zero_copy_operation : public send_operation {
 public:
  send_zero_copy_operation(int socket, std::span<const std::byte> bytes, handler on_completion) noexcept
      : send_operation(socket, bytes, on_completion, true) {}
};

} // namespace weir::fuzz
