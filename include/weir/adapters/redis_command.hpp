// redis_command: a command with its arguments, as it goes over the wire: whole or not at all.
//
// Arguments are any bytes, or numbers; nothing needs quoting. Thread rule: a value.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace weir {

/// A view of an argument: valid for as long as what it was made of.
class redis_argument {
 public:
  redis_argument(std::string_view bytes) noexcept : bytes_(bytes) {}
  redis_argument(const std::string& bytes) noexcept : bytes_(bytes) {}
  redis_argument(const char* text) noexcept : bytes_(text) {}
  redis_argument(std::span<const std::byte> bytes) noexcept
      : bytes_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}
  template <class Number>
    requires(std::integral<Number> || std::floating_point<Number>)
  redis_argument(Number number) noexcept {
    char* const end = std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr;
    digits_size_ = static_cast<std::size_t>(end - digits_.data());
  }

  std::string_view bytes() const noexcept {
    return digits_size_ > 0 ? std::string_view(digits_.data(), digits_size_) : bytes_;
  }

 private:
  std::string_view bytes_;
  std::array<char, 32> digits_{};
  std::size_t digits_size_ = 0;
};

class redis_command {
 public:
  /// What it does to those that follow on the same connection.
  enum class effect : std::uint8_t {
    none,
    opens_transaction,  ///< MULTI
    closes_transaction, ///< EXEC, DISCARD
    watches,            ///< WATCH
    unwatches,          ///< UNWATCH
    alters_session,     ///< SELECT, AUTH, CLIENT …
    streams,            ///< SUBSCRIBE, MONITOR …: not one reply to each
  };

  /// The first is the command's name.
  explicit redis_command(std::span<const redis_argument> arguments);

  std::span<const std::byte> bytes() const noexcept {
    return {reinterpret_cast<const std::byte*>(wire_.get()), size_};
  }
  /// Null where there was no memory for it.
  explicit operator bool() const noexcept { return wire_ != nullptr; }
  effect effect_on_session() const noexcept { return effect_; }

 private:
  struct release {
    void operator()(char* wire) const noexcept;
  };
  std::unique_ptr<char, release> wire_;
  std::size_t size_ = 0;
  effect effect_;
};

} // namespace weir
