// postgres_result: rows that a statement gave, as text, in one piece of memory.
//
//   for (std::size_t row = 0; row < found->rows(); ++row) use(found->text(row, 0), found->number<int>(row,
//   1));
//
// Thread rule: a value; movable. Views into it live as long as it does. Bound: `result_bytes_max` of the
// connection, or a batch of a stream.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

class postgres_result {
 public:
  std::size_t rows() const noexcept { return rows_; }
  std::size_t columns() const noexcept { return names_ ? names_->size() : 0; }
  bool empty() const noexcept { return rows_ == 0; }

  std::string_view name(std::size_t column) const noexcept { return (*names_)[column]; }
  /// By its name; nothing where there is none.
  std::optional<std::size_t> column(std::string_view name) const noexcept;

  bool is_null(std::size_t row, std::size_t column) const noexcept {
    return cell_at(row, column).offset == null_offset;
  }
  /// Empty for null as well.
  std::string_view text(std::size_t row, std::size_t column) const noexcept {
    const cell& at = cell_at(row, column);
    return at.offset == null_offset ? std::string_view()
                                    : std::string_view(bytes_).substr(at.offset, at.size);
  }
  /// Nothing for null and for what is no such number.
  template <class Number>
  std::optional<Number> number(std::size_t row, std::size_t column) const noexcept {
    const std::string_view digits = text(row, column);
    Number value{};
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failure != std::errc() || end != digits.data() + digits.size() || digits.empty()) return {};
    return value;
  }

  /// "SELECT 3", "INSERT 0 1"
  const std::string& command_tag() const noexcept { return command_tag_; }
  /// Rows that the statement gave or changed, as the server counts them.
  std::uint64_t rows_affected() const noexcept { return rows_affected_; }
  /// Of the values.
  std::size_t size_bytes() const noexcept { return bytes_.size(); }

 private:
  friend class postgres_collector;
  static constexpr std::size_t null_offset = std::numeric_limits<std::size_t>::max();
  struct cell {
    std::size_t offset;
    std::size_t size;
  };
  const cell& cell_at(std::size_t row, std::size_t column) const noexcept {
    return cells_[row * columns() + column];
  }

  std::shared_ptr<const std::vector<std::string>> names_; ///< shared by the batches of a stream
  std::vector<cell> cells_;
  std::string bytes_;
  std::size_t rows_ = 0;
  std::string command_tag_;
  std::uint64_t rows_affected_ = 0;
};

} // namespace weir
