// Writing to where the command's output goes: a terminal, a file, or a pipe that nobody reads.
#pragma once

#include <string_view>

namespace weir::app {

/// A terminal that shows colours, and nobody said no (NO_COLOR, TERM=dumb).
bool wants_colour(int descriptor);

/// To standard output, at once. False: not all of it could be written.
bool print(std::string_view text);

/// For what must go on whatever becomes of its output: writes a line (at most PIPE_BUF, 4096 bytes, with its
/// end) if that can be done without waiting, and says whether it did. SIGPIPE must be ignored.
bool write_line_or_skip(int descriptor, std::string_view line);

} // namespace weir::app
