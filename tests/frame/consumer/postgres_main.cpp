// There is no server: that is what it is told.
#include <weir/adapters/postgres_connection.hpp>
#include <weir/async/run.hpp>

int main() {
  auto loop = weir::loop::create();
  if (!loop) return 1;
  auto connected =
      weir::run(**loop, weir::postgres_connection::connect(weir::postgres_options("host=/nowhere")));
  return connected ? 1 : 0;
}
