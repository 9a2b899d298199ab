#include <weir/async/failure.hpp>

namespace weir {

std::string failure::message() const {
  if (const error* why = std::get_if<error>(&cause_)) return why->message();
  try {
    std::rethrow_exception(std::get<std::exception_ptr>(cause_));
  } catch (const std::exception& thrown) {
    return std::string("exception: ") + thrown.what();
  } catch (...) {
    return "exception of an unknown type";
  }
}

std::string failure::report() const {
  if (spawned_at_.line() == 0) return message();
  return std::string("task spawned at ") + spawned_at_.file_name() + ":" +
         std::to_string(spawned_at_.line()) + ": " + message();
}

result<> failure::deliver() && {
  if (error* why = std::get_if<error>(&cause_)) return fail(std::move(*why));
  std::rethrow_exception(std::move(std::get<std::exception_ptr>(cause_)));
}

} // namespace weir
