#include "postgres_collector.hpp"

#include <algorithm>
#include <string_view>

namespace weir {

std::optional<std::size_t> postgres_result::column(std::string_view wanted) const noexcept {
  if (!names_) return {};
  const auto found = std::ranges::find(*names_, wanted);
  if (found == names_->end()) return {};
  return static_cast<std::size_t>(found - names_->begin());
}

void postgres_collector::add_rows(const PGresult& from) {
  const int columns = ::PQnfields(&from);
  if (!result_.names_) {
    std::vector<std::string> names;
    for (int column = 0; column < columns; ++column) names.emplace_back(::PQfname(&from, column));
    result_.names_ = std::make_shared<const std::vector<std::string>>(std::move(names));
  }
  const int rows = ::PQntuples(&from);
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      if (::PQgetisnull(&from, row, column)) {
        result_.cells_.push_back({postgres_result::null_offset, 0});
        continue;
      }
      const auto size = static_cast<std::size_t>(::PQgetlength(&from, row, column));
      result_.cells_.push_back({result_.bytes_.size(), size});
      result_.bytes_.append(::PQgetvalue(&from, row, column), size);
    }
  }
  result_.rows_ += static_cast<std::size_t>(rows);
}

void postgres_collector::add_tag(PGresult& from) {
  result_.command_tag_ = ::PQcmdStatus(&from);
  const std::string_view count = ::PQcmdTuples(&from);
  std::from_chars(count.data(), count.data() + count.size(), result_.rows_affected_);
}

postgres_result postgres_collector::take() {
  postgres_result collected = std::move(result_);
  result_ = postgres_result();
  result_.names_ = collected.names_;
  return collected;
}

} // namespace weir
