// The examples of docs/databases.md that need Redis, as they stand there; docs_test.py compares.
#pragma once

#include <weir/adapters/redis_connection.hpp>

#include <string>

namespace weir::test {
namespace {

task<result<std::string>> cached(redis_connection& cache, std::string key) {
  result<redis_reply> value = co_await cache.command("GET", key);
  if (!value) co_return fail(value.error()); // "command 127.0.0.1:6379: WRONGTYPE …"
  if (!value->is_nil()) co_return value->text();
  result<redis_reply> stored = co_await cache.command("SET", key, "fresh", "EX", 60);
  if (!stored) co_return fail(stored.error());
  co_return std::string("fresh");
}

} // namespace
} // namespace weir::test
