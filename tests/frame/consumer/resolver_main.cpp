#include <weir/async/run.hpp>
#include <weir/net/resolver.hpp>

int main() {
  auto loop = weir::loop::create();
  return loop && weir::run(**loop, weir::resolver::open()) ? 0 : 1;
}
