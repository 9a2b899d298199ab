#include <fcntl.h>
#include <io.h>
#include <support/standard_streams.hpp>

namespace weir::test {

void write_bytes_as_they_are(std::FILE* to) {
  ::_setmode(::_fileno(to), _O_BINARY);
}

} // namespace weir::test
