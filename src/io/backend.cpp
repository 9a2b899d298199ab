#include "platform/backends.hpp"

#include <weir/io/backend.hpp>

#include <array>
#include <cstdlib>

namespace weir {
namespace {

constexpr std::array<std::string_view, 4> backend_names = {"automatic", "io_uring", "epoll", "iocp"};

/// What the program asks for, narrowed by what the environment allows.
struct narrowed_choice {
  backend wanted;
  std::string_view by; ///< who decided, as it stands in the reason
  capability_mask allowed;
};

result<narrowed_choice> narrow(backend wanted, capability_mask allowed) {
  narrowed_choice choice{wanted, "asked for by the program", allowed};
  if (const char* text = std::getenv("WEIR_CAPABILITIES")) {
    const auto mask = capability_mask::parse(text);
    if (!mask) return fail(error(errc::invalid_argument, "WEIR_CAPABILITIES").at(mask.error().endpoint()));
    choice.allowed = allowed & *mask;
  }
  const char* const text = std::getenv("WEIR_BACKEND");
  if (!text || !*text) return choice;
  const auto only = parse_backend(text);
  if (!only) return fail(error(errc::invalid_argument, "WEIR_BACKEND").at(only.error().endpoint()));
  if (*only == backend::automatic || *only == wanted) return choice;
  if (wanted != backend::automatic)
    return fail(error(std::errc::not_supported, "WEIR_BACKEND excludes").at(name_of(wanted)));
  choice.wanted = *only;
  choice.by = "asked for by WEIR_BACKEND";
  return choice;
}

} // namespace

std::string_view name_of(backend which) noexcept {
  return backend_names[static_cast<std::size_t>(which)];
}

result<backend> parse_backend(std::string_view text) {
  for (std::size_t i = 0; i < backend_names.size(); ++i)
    if (text == backend_names[i]) return static_cast<backend>(i);
  return fail(error(errc::invalid_argument, "backend").at("'" + std::string(text) + "'"));
}

result<chosen_backend> choose_backend(backend wanted, const proactor_options& options,
                                      completion_queue& completed, buffer_pool& pool,
                                      loop_counters& counters) {
  const auto choice = narrow(wanted, options.allowed);
  if (!choice) return fail(choice.error());
  proactor_options narrowed = options;
  narrowed.allowed = choice->allowed;
  if (choice->wanted != backend::automatic)
    return platform::make_backend(choice->wanted, choice->by, narrowed, completed, pool, counters);

  // The first that the machine has. Why it has not the one before is why this one was chosen.
  std::string reason(choice->by);
  result<chosen_backend> made = fail(std::errc::not_supported, "no backend");
  for (const backend each : platform::preferred_backends()) {
    made = platform::make_backend(each, reason, narrowed, completed, pool, counters);
    if (made) break;
    reason = made.error().message();
  }
  return made;
}

} // namespace weir
