// What is the same of a child on every system; the others are in platform/.
#include <weir/os/process.hpp>

#include <utility>

namespace weir {

process::process(process&& other) noexcept
    : id_(std::exchange(other.id_, -1)), handle_(std::move(other.handle_)), ended_(std::move(other.ended_)),
      input_(std::move(other.input_)), output_(std::move(other.output_)), errors_(std::move(other.errors_)) {}

} // namespace weir
