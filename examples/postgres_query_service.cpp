// A query service: a client sends a number a line and gets what the database makes of it. A thousand clients
// share ten connections; an answer takes two seconds at most, and what takes longer is ended at the database,
// too. `postgres_query_service [ADDRESS:PORT [CONNECTION STRING]]`
#include "postgres_query_self_test.hpp"

#include <weir/adapters/connection_pool.hpp>
#include <weir/adapters/postgres_connection.hpp>
#include <weir/async/run.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/net/listener.hpp>

#include <span>
#include <string>

using namespace weir;
using namespace std::chrono_literals;
using database = connection_pool<postgres_connection>;

task<result<std::string>> answer(database& pool, std::string question) {
  result<database::lease> db = co_await pool.acquire(); // waits while all are out
  if (!db) co_return fail(db.error());
  result<postgres_result> found = co_await (*db)->query("select $1::int * 2", question);
  if (!found) co_return fail(found.error());
  co_return std::string(found->text(0, 0));
}

task<result<>> serve_client(stream client, database& pool) {
  for (std::string unread;;) {
    for (std::size_t end; (end = unread.find('\n')) != std::string::npos; unread.erase(0, end + 1)) {
      result<std::string> reply = co_await with_deadline(2s, answer(pool, unread.substr(0, end)));
      const std::string line = (reply ? *reply : "error: " + reply.error().message()) + "\n";
      transfer sent = co_await client.write_all(std::as_bytes(std::span(line)));
      if (!sent) co_return fail(sent.error());
    }
    result<lease> more = co_await client.read();
    if (!more || more->empty() || unread.size() > 1000) co_return co_await client.close();
    unread.append(reinterpret_cast<const char*>(more->data()), more->size());
  }
}

task<result<>> serve(address at, std::string conninfo) {
  result<listener> door = listener::bind(at);
  if (!door) co_return fail(door.error());
  auto connect = [&] { return postgres_connection::connect(postgres_options(conninfo)); };
  database pool(connection_pool_options(10), connect);
  auto admit = [&](nursery& clients) -> task<result<>> {
    for (;;) {
      result<stream> client = co_await door->accept();
      if (!client) co_return fail(client.error());
      result<> admitted = co_await clients.spawn(serve_client(std::move(*client), pool));
      if (!admitted) co_return admitted;
    }
  };
  result<> served = co_await with_nursery(nursery_options(1000, nursery_policy::isolate), admit);
  co_await shield(pool.close());
  co_return served;
}

int main(int argc, char** argv) {
  const std::string where = argc > 1 ? argv[1] : "127.0.0.1:7778";
  if (where == "--self-test") return self_test(serve);
  auto loop = loop::create();
  auto at = address::parse_ip(where);
  return loop && at && run(**loop, serve(*at, argc > 2 ? argv[2] : "")) ? 0 : 1;
}
