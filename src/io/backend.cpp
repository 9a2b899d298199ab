#include <weir/io/backend.hpp>
#include <weir/io/epoll_reactor.hpp>
#include <weir/io/reactive_proactor.hpp>
#include <weir/io/uring_proactor.hpp>

#include <array>
#include <cstdlib>

namespace weir {
namespace {

constexpr std::array<std::string_view, 3> backend_names = {"automatic", "io_uring", "epoll"};

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

/// "io_uring: proven by the self-test, without bundles"
std::string uring_reason(capability_mask allowed, capability_mask found) {
  std::string reason = "io_uring: proven by the self-test";
  const capability_mask missing(allowed.bits() & ~found.bits());
  if (missing.bits() != 0) reason += ", without " + missing.to_string();
  return reason;
}

} // namespace

std::string_view name_of(backend which) noexcept {
  return backend_names[static_cast<std::size_t>(which)];
}

result<backend> parse_backend(std::string_view text) {
  for (const backend which : {backend::automatic, backend::io_uring, backend::epoll})
    if (text == name_of(which)) return which;
  return fail(error(errc::invalid_argument, "backend").at("'" + std::string(text) + "'"));
}

result<chosen_backend> choose_backend(backend wanted, const proactor_options& options,
                                      completion_queue& completed, buffer_pool& pool,
                                      loop_counters& counters) {
  const auto choice = narrow(wanted, options.allowed);
  if (!choice) return fail(choice.error());
  std::string why_epoll = "epoll: " + std::string(choice->by);
  if (choice->wanted != backend::epoll) {
    proactor_options narrowed = options;
    narrowed.allowed = choice->allowed;
    auto uring = uring_proactor::create(completed, pool, counters, narrowed);
    if (uring) {
      std::string reason = uring_reason(choice->allowed, (*uring)->capabilities());
      return chosen_backend(std::move(*uring), std::move(reason));
    }
    if (choice->wanted == backend::io_uring) return fail(uring.error());
    why_epoll = "epoll: " + uring.error().message();
  }
  auto reactor = epoll_reactor::create(counters);
  if (!reactor) return fail(reactor.error());
  auto adapted = std::make_unique<reactive_proactor>(std::move(*reactor), completed, pool, counters, options);
  return chosen_backend(std::move(adapted), std::move(why_epoll));
}

} // namespace weir
