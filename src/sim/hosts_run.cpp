#include <weir/sim/hosts_run.hpp>

#include <exception>

namespace weir::sim {
namespace {

std::string what_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

} // namespace

hosts_run::hosts_run(world& in, const misfortune_options& options)
    : world_(in), random_(in.random().fork("scenario")), misfortunes_(in, options) {}

hosts_run::~hosts_run() = default;

bool hosts_run::is_done() const {
  for (const auto& each : world_.hosts()) {
    if (each->failure()) world_.accuse(each->name() + ": a program threw " + what_of(each->failure()));
    if (!each->is_up() || !each->have_programs_ended()) return false;
  }
  return true;
}

std::string hosts_run::missing() const {
  std::string text;
  for (const auto& each : world_.hosts()) {
    if (!each->is_up()) text += each->name() + " is down; ";
    if (!each->have_programs_ended()) text += each->name() + " still runs its program; ";
  }
  return text;
}

} // namespace weir::sim
