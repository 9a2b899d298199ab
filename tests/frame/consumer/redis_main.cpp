// There is no server: that is what it is told.
#include <weir/adapters/redis_connection.hpp>
#include <weir/async/run.hpp>

int main() {
  auto loop = weir::loop::create();
  auto nowhere = weir::address::unix_path("/nowhere");
  if (!loop || !nowhere) return 1;
  auto connected = weir::run(**loop, weir::redis_connection::connect(weir::redis_options(*nowhere)));
  return connected ? 1 : 0;
}
