#include <support/standard_streams.hpp>

namespace weir::test {

void write_bytes_as_they_are(std::FILE*) {}

} // namespace weir::test
