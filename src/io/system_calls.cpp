#include <weir/io/system_calls.hpp>

#include <utility>

namespace weir {
namespace {

class calls_of_kernel final : public system_calls {};
constinit calls_of_kernel
    real_kernel; // never destroyed: what is closed at the end of the process may need it
constinit thread_local system_calls* replacement = nullptr;

} // namespace

system_calls& calls() noexcept {
  return replacement ? *replacement : real_kernel;
}

system_calls& kernel_calls() noexcept {
  return real_kernel;
}

system_calls_scope::system_calls_scope(system_calls& instead) noexcept
    : before_(std::exchange(replacement, &instead)) {}

system_calls_scope::~system_calls_scope() {
  replacement = before_;
}

} // namespace weir
