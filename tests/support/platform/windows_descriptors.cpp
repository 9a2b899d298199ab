// Sockets only: handles of other kinds come and go with threads and the system's libraries.
#include <weir/io/platform/sockets.hpp>

#include <support/descriptors.hpp>

#include <stdexcept>

namespace weir::test {
namespace {

/// Handles are multiples of four and given out from below.
constexpr SOCKET number_max = 4 * 2048;

bool is_socket(SOCKET number) {
  int type = 0;
  int bytes = sizeof type;
  return ::getsockopt(number, SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &bytes) == 0;
}

} // namespace

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (SOCKET number = 4; number < number_max; number += 4) count += is_socket(number);
  return count;
}

std::string list_of_open_descriptors() {
  std::string text;
  for (SOCKET number = 4; number < number_max; number += 4)
    if (is_socket(number)) text += "socket " + std::to_string(number) + "\n";
  return text;
}

descriptor_limit::descriptor_limit(std::size_t) : before_(0), most_(0) {
  throw std::runtime_error(why_none());
}

std::string descriptor_limit::why_none() {
  return "handles have no limit that could be lowered";
}

void descriptor_limit::lift() {}

} // namespace weir::test
