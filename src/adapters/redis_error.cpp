#include <weir/adapters/redis_error.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace weir {
namespace {

struct first_word {
  std::string_view text;
  redis_errc means;
};
constexpr std::array first_words{
    first_word{"WRONGTYPE", redis_errc::wrong_type},
    first_word{"NOAUTH", redis_errc::no_auth},
    first_word{"NOPERM", redis_errc::no_auth},
    first_word{"WRONGPASS", redis_errc::no_auth},
    first_word{"LOADING", redis_errc::busy},
    first_word{"BUSY", redis_errc::busy},
    first_word{"TRYAGAIN", redis_errc::busy},
    first_word{"CLUSTERDOWN", redis_errc::busy},
    first_word{"MASTERDOWN", redis_errc::busy},
    first_word{"OOM", redis_errc::out_of_memory},
    first_word{"READONLY", redis_errc::read_only},
    first_word{"NOSCRIPT", redis_errc::no_script},
    first_word{"EXECABORT", redis_errc::aborted},
    first_word{"MOVED", redis_errc::moved},
    first_word{"ASK", redis_errc::moved},
};

class redis_error_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "redis"; }
  std::string message(int value) const override {
    switch (static_cast<redis_errc>(value)) {
    case redis_errc::general:
      return "the command failed";
    case redis_errc::wrong_type:
      return "wrong type of value";
    case redis_errc::no_auth:
      return "not permitted";
    case redis_errc::busy:
      return "the server is not ready";
    case redis_errc::out_of_memory:
      return "the server's memory limit";
    case redis_errc::read_only:
      return "the server is a replica";
    case redis_errc::no_script:
      return "no such script";
    case redis_errc::aborted:
      return "the transaction was discarded";
    case redis_errc::moved:
      return "another server has the key";
    }
    return "unknown error";
  }
  std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<redis_errc>(value)) {
    case redis_errc::busy:
      return std::errc::resource_unavailable_try_again;
    case redis_errc::no_auth:
      return std::errc::permission_denied;
    default:
      return {value, *this};
    }
  }
};

} // namespace

const std::error_category& redis_category() noexcept {
  static const redis_error_category instance;
  return instance;
}

std::error_code make_error_code(redis_errc code) noexcept {
  return {static_cast<int>(code), redis_category()};
}

redis_errc redis_errc_of(std::string_view answer) noexcept {
  const std::string_view word = answer.substr(0, answer.find(' '));
  const auto* found = std::ranges::find(first_words, word, &first_word::text);
  return found == first_words.end() ? redis_errc::general : found->means;
}

} // namespace weir
