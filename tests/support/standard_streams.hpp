// The standard streams of a program that a test drives.
#pragma once

#include <cstdio>

namespace weir::test {

/// Where the C library would change the ends of lines, it does not from here on.
void write_bytes_as_they_are(std::FILE* to);

} // namespace weir::test
