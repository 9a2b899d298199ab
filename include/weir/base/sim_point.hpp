// sim_point: a place in weir's own code where a simulator may choose the rarer of two ways that are both
// right: a phase that leaves its rest to the next turn, a wait that ends early. Programs meet the rare way
// once a month; a seed meets it in a second.
//
//   if (sim_point("loop.phase_ends_early")) return true;
//
// Compiles to nothing but where the build sets WEIR_SIM_POINTS (CMake option of that name). Thread rule: each
// thread has a hook of its own; without one, no point is ever taken.
#pragma once

#include <utility>

namespace weir {

/// Who decides at the points that its thread comes by.
class sim_point_hook {
 public:
  virtual bool takes(const char* point) noexcept = 0;

 protected:
  ~sim_point_hook() = default;
};

#ifdef WEIR_SIM_POINTS

inline constexpr bool has_sim_points = true;
inline thread_local sim_point_hook* current_sim_point_hook = nullptr;

/// `point`: a string with static storage duration, the same at no other place.
inline bool sim_point(const char* point) noexcept {
  return current_sim_point_hook && current_sim_point_hook->takes(point);
}
/// Returns the one before.
inline sim_point_hook* exchange_sim_point_hook(sim_point_hook* hook) noexcept {
  return std::exchange(current_sim_point_hook, hook);
}

#else

inline constexpr bool has_sim_points = false;
constexpr bool sim_point(const char*) noexcept {
  return false;
}
inline sim_point_hook* exchange_sim_point_hook(sim_point_hook*) noexcept {
  return nullptr;
}

#endif

} // namespace weir
