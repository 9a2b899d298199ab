#include <weir/io/kqueue_backend.hpp>

int main() {
  auto loop = weir::loop::create(weir::loop_options{}, weir::kqueue_backend);
  return loop && (*loop)->backend().name() == "kqueue" ? 0 : 1;
}
