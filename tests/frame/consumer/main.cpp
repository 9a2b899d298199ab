// A loop needs everything that the library itself links, so this program fails to link where the package
// forgets a part.
#include <weir/io/loop.hpp>

#include <cstdio>

int main() {
  auto loop = weir::loop::create();
  if (!loop) {
    std::fprintf(stderr, "%s\n", loop.error().message().c_str());
    return 1;
  }
  (*loop)->turn(0);
  std::printf("%s\n", (*loop)->backend_reason().c_str());
  return 0;
}
