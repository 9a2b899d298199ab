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

result<> failure::deliver() && {
  if (error* why = std::get_if<error>(&cause_)) return fail(std::move(*why));
  std::rethrow_exception(std::move(std::get<std::exception_ptr>(cause_)));
}

} // namespace weir
