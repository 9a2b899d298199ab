#include <weir/adapters/postgres_error.hpp>

#include <algorithm>
#include <array>

namespace weir {
namespace {

constexpr int sqlstate_base = 36;
constexpr std::size_t sqlstate_size = 5; // 36^5 fits an int

constexpr int digit_of(char c) noexcept {
  return c >= '0' && c <= '9' ? c - '0' : c - 'A' + 10;
}

std::string sqlstate_text(int value) {
  std::string text(sqlstate_size, '0');
  for (std::size_t i = sqlstate_size; i-- > 0; value /= sqlstate_base)
    text[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % sqlstate_base];
  return text;
}

struct portable_meaning {
  std::string_view prefix;
  std::errc means;
};

/// The first that fits.
constexpr std::array meanings{
    portable_meaning{"08001", std::errc::connection_refused},
    portable_meaning{"08004", std::errc::connection_refused},
    portable_meaning{"08", std::errc::connection_reset},
    portable_meaning{"57P01", std::errc::connection_reset},
    portable_meaning{"57P02", std::errc::connection_reset},
    portable_meaning{"57P05", std::errc::connection_reset},
    portable_meaning{"57P03", std::errc::connection_refused},
    portable_meaning{"53", std::errc::resource_unavailable_try_again},
    portable_meaning{"40001", std::errc::resource_unavailable_try_again},
    portable_meaning{"40P01", std::errc::resource_unavailable_try_again},
    portable_meaning{"55P03", std::errc::resource_unavailable_try_again},
    portable_meaning{"28", std::errc::permission_denied},
    portable_meaning{"42501", std::errc::permission_denied},
    portable_meaning{"0A000", std::errc::not_supported},
};

class sqlstate_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "postgres"; }
  std::string message(int value) const override { return "SQLSTATE " + sqlstate_text(value); }
  std::error_condition default_error_condition(int value) const noexcept override {
    const std::string text = sqlstate_text(value); // short enough to need no memory
    const auto* found =
        std::ranges::find_if(meanings, [&](const auto& each) { return text.starts_with(each.prefix); });
    if (found == meanings.end()) return {value, *this};
    return found->means;
  }
};

} // namespace

const std::error_category& postgres_category() noexcept {
  static const sqlstate_category instance;
  return instance;
}

std::error_code sqlstate_code(std::string_view sqlstate) noexcept {
  int value = 0;
  for (const char c : sqlstate.substr(0, sqlstate_size)) value = value * sqlstate_base + digit_of(c);
  return {value, postgres_category()};
}

std::string sqlstate_of(const error& why) {
  if (why.code().category() != postgres_category()) return {};
  return sqlstate_text(why.code().value());
}

} // namespace weir
