#include <weir/adapters/redis_command.hpp>

#include <hiredis/hiredis.h>

#include <algorithm>
#include <vector>

namespace weir {
namespace {

struct named_effect {
  std::string_view name;
  redis_command::effect effect;
};
constexpr std::array named_effects{
    named_effect{"MULTI", redis_command::effect::opens_transaction},
    named_effect{"EXEC", redis_command::effect::closes_transaction},
    named_effect{"DISCARD", redis_command::effect::closes_transaction},
    named_effect{"WATCH", redis_command::effect::watches},
    named_effect{"UNWATCH", redis_command::effect::unwatches},
    named_effect{"SELECT", redis_command::effect::alters_session},
    named_effect{"AUTH", redis_command::effect::alters_session},
    named_effect{"HELLO", redis_command::effect::streams}, // another protocol
    named_effect{"RESET", redis_command::effect::alters_session},
    named_effect{"QUIT", redis_command::effect::alters_session},
    named_effect{"CLIENT", redis_command::effect::alters_session},
    named_effect{"READONLY", redis_command::effect::alters_session},
    named_effect{"READWRITE", redis_command::effect::alters_session},
    named_effect{"UNSUBSCRIBE", redis_command::effect::streams}, // a reply for each channel
    named_effect{"PUNSUBSCRIBE", redis_command::effect::streams},
    named_effect{"SUNSUBSCRIBE", redis_command::effect::streams},
    named_effect{"SUBSCRIBE", redis_command::effect::streams},
    named_effect{"PSUBSCRIBE", redis_command::effect::streams},
    named_effect{"SSUBSCRIBE", redis_command::effect::streams},
    named_effect{"MONITOR", redis_command::effect::streams},
    named_effect{"SYNC", redis_command::effect::streams},
    named_effect{"PSYNC", redis_command::effect::streams},
};

bool is_word(std::string_view argument, std::string_view word) noexcept {
  const auto equals = [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; };
  return std::ranges::equal(argument, word, equals);
}

redis_command::effect effect_of(std::span<const redis_argument> arguments) noexcept {
  using enum redis_command::effect;
  if (arguments.empty()) return none;
  const std::string_view name = arguments.front().bytes();
  // CLIENT REPLY OFF: replies that never come would be waited for.
  if (arguments.size() > 1 && is_word(name, "CLIENT") && is_word(arguments[1].bytes(), "REPLY"))
    return streams;
  for (const named_effect& each : named_effects) {
    if (is_word(name, each.name)) return each.effect;
  }
  return none;
}

} // namespace

redis_command::redis_command(std::span<const redis_argument> arguments) : effect_(effect_of(arguments)) {
  std::vector<const char*> starts;
  std::vector<std::size_t> sizes;
  for (const redis_argument& each : arguments) {
    starts.push_back(each.bytes().data());
    sizes.push_back(each.bytes().size());
  }
  char* wire = nullptr;
  const auto size =
      ::redisFormatCommandArgv(&wire, static_cast<int>(arguments.size()), starts.data(), sizes.data());
  if (size < 0) return;
  wire_.reset(wire);
  size_ = static_cast<std::size_t>(size);
}

void redis_command::release::operator()(char* wire) const noexcept {
  ::redisFreeCommand(wire);
}

} // namespace weir
