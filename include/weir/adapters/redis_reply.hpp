// redis_reply: what a Redis server answers: nothing, a number, text, or an array of replies.
//
// Thread rule: a value; movable and copyable. Bound: `reply_bytes_max` of the connection.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

enum class redis_type : std::uint8_t {
  nil,
  integer,
  text,   ///< a bulk string: any bytes
  status, ///< "OK", "QUEUED"
  error,  ///< inside an array: of one command of a transaction
  array,
};

class redis_reply {
 public:
  redis_reply() noexcept {}
  explicit redis_reply(std::int64_t number) noexcept : type_(redis_type::integer), number_(number) {}
  redis_reply(redis_type which, std::string content) noexcept : type_(which), text_(std::move(content)) {}
  explicit redis_reply(std::vector<redis_reply> elements) noexcept
      : type_(redis_type::array), elements_(std::move(elements)) {}

  redis_type type() const noexcept { return type_; }
  bool is_nil() const noexcept { return type_ == redis_type::nil; }
  bool is_error() const noexcept { return type_ == redis_type::error; }

  /// Of text, a status or an error; empty for what is none.
  const std::string& text() const noexcept { return text_; }
  /// Zero for what is no integer.
  std::int64_t integer() const noexcept { return number_; }

  /// Elements of an array; zero for what is none.
  std::size_t size() const noexcept { return elements_.size(); }
  const redis_reply& operator[](std::size_t index) const noexcept {
    assert(index < size());
    return elements_[index];
  }
  auto begin() const noexcept { return elements_.begin(); }
  auto end() const noexcept { return elements_.end(); }

 private:
  friend class redis_reader;

  redis_type type_ = redis_type::nil;
  std::int64_t number_ = 0;
  std::string text_;
  std::vector<redis_reply> elements_;
};

} // namespace weir
