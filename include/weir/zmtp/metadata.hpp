// metadata: the list of named properties in a READY command (RFC 37, "The NULL Security Mechanism").
//
//   property = name-size(1) name value-size(4) value
//
// Lifetime: everything here is a view into the bytes that were parsed. Nothing allocates.
#pragma once

#include <weir/base/result.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

namespace weir::zmtp {

struct property {
  std::string_view name;
  std::span<const std::byte> value;
};

/// Bytes that a property takes on the wire.
constexpr std::size_t property_bytes(std::size_t name_bytes, std::size_t value_bytes) noexcept {
  return 1 + name_bytes + 4 + value_bytes;
}

/// ASCII case does not count in names of properties.
bool same_property_name(std::string_view one, std::string_view other) noexcept;

/// A list that was found well-formed, so walking it cannot fail.
class metadata {
 public:
  metadata() = default;
  /// Fails with the broken rule: names of 1 to 255 letters, digits, '-', '_', '.', '+'; nothing may run past
  /// the end.
  static result<metadata> parse(std::span<const std::byte> bytes) noexcept;

  class iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = property;
    using difference_type = std::ptrdiff_t;
    using pointer = const property*;
    using reference = const property&;

    iterator() = default;
    const property& operator*() const noexcept { return current_; }
    const property* operator->() const noexcept { return &current_; }
    iterator& operator++() noexcept;
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const iterator& one, const iterator& other) noexcept {
      return one.at_end_ == other.at_end_ && one.rest_.size() == other.rest_.size();
    }

   private:
    friend class metadata;
    explicit iterator(std::span<const std::byte> bytes) noexcept : rest_(bytes) { ++*this; }

    property current_;
    std::span<const std::byte> rest_; ///< what follows `current_`
    bool at_end_ = true;
  };

  iterator begin() const noexcept { return iterator(bytes_); }
  iterator end() const noexcept { return {}; }

  /// The value of the first property of this name.
  std::optional<std::span<const std::byte>> find(std::string_view name) const noexcept;

 private:
  explicit metadata(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  std::span<const std::byte> bytes_;
};

} // namespace weir::zmtp
