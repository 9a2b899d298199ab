// Statements, streams, cancellation and notifications against a real PostgreSQL that the test starts: one
// test case, since making a database takes a second. What needs no server stands behind it.
#include "postgres_docs.hpp"
#include "server_test.hpp"

#include <weir/adapters/postgres_connection.hpp>
#include <weir/async/retry.hpp>

#include <netinet/in.h>

#include <vector>

namespace weir::test {
namespace {

task<result<postgres_connection>> connect_to(std::string conninfo) {
  return postgres_connection::connect(postgres_options(std::move(conninfo)));
}

class postgres_connection_test : public server_test<postgres_server> {
 public:
  using step = task<> (postgres_connection_test::*)(postgres_connection& db);

  /// Each on a connection of its own.
  void on_a_server(std::initializer_list<std::pair<const char*, step>> steps) {
    with_server([&] {
      for (const auto& [name, act] : steps) {
        SCOPED_TRACE(name);
        run(carry_out(act));
      }
    });
  }

  task<> carry_out(step act) {
    auto attempt = [&]() -> task<result<postgres_connection>> { return connect_to(server->over_unix()); };
    result<postgres_connection> db = co_await retry(retry_policy(10000, 1ms, 10ms), attempt); // it starts up
    EXPECT_TRUE(db) << db.error().message();
    if (db) co_await (this->*act)(*db);
  }

  task<> parameters_and_rows(postgres_connection& db) {
    result<postgres_result> got =
        co_await db.query("select $1::int + 1 as sum, $2::text as word, $3::text as nothing, $4::bool", 41,
                          "it's; drop table", nullptr, true);
    EXPECT_TRUE(got) << got.error().message();
    if (!got) co_return;
    EXPECT_EQ(got->rows(), 1u);
    EXPECT_EQ(got->columns(), 4u);
    EXPECT_EQ(got->name(1), "word");
    EXPECT_EQ(got->column("nothing"), 2u);
    EXPECT_FALSE(got->column("absent"));
    EXPECT_EQ(got->number<int>(0, 0), 42);
    EXPECT_FALSE(got->number<int>(0, 1));
    EXPECT_EQ(got->text(0, 1), "it's; drop table");
    EXPECT_TRUE(got->is_null(0, 2));
    EXPECT_EQ(got->text(0, 3), "t");
    EXPECT_EQ(got->command_tag(), "SELECT 1");
    EXPECT_EQ(got->rows_affected(), 1u);
  }

  task<> bytes_and_zero_bytes(postgres_connection& db) {
    std::vector<std::byte> all;
    for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::byte>(i));
    const postgres_parameter bytes = postgres_parameter::bytes(all);
    result<postgres_result> got =
        co_await db.query("select length($1), get_byte($1, 0), get_byte($1, 255)", bytes);
    EXPECT_TRUE(got && got->number<int>(0, 0) == 256 && got->number<int>(0, 1) == 0 &&
                got->number<int>(0, 2) == 255);
    result<postgres_result> refused = co_await db.query("select $1::text", std::string_view("a\0b", 3));
    EXPECT_TRUE(!refused && refused.error() == errc::invalid_argument);
    EXPECT_EQ(db.state(), connection_state::ready);
  }

  task<> errors_have_sqlstate_and_words(postgres_connection& db) {
    result<postgres_result> failed = co_await db.query("select 1/0");
    EXPECT_FALSE(failed);
    if (failed) co_return;
    EXPECT_EQ(sqlstate_of(failed.error()), "22012");
    EXPECT_NE(failed.error().message().find("division by zero: SQLSTATE 22012"), std::string::npos)
        << failed.error().message();
    EXPECT_EQ(db.diagnosis().severity, "ERROR");
    result<postgres_result> nonsense = co_await db.query("selec 1");
    EXPECT_EQ(sqlstate_of(nonsense.error()), "42601");
    EXPECT_EQ(db.diagnosis().position, "1");
    result<postgres_result> copy = co_await db.query("copy pg_class to stdout");
    EXPECT_TRUE(!copy && copy.error() == std::errc::not_supported);
    EXPECT_EQ(db.state(), connection_state::broken);
    result<postgres_result> after = co_await db.query("select 1");
    EXPECT_TRUE(!after && after.error() == errc::closed);
  }

  task<> prepared_statements(postgres_connection& db) {
    result<> prepared = co_await db.prepare("add", "select $1::int + $2::int");
    EXPECT_TRUE(prepared);
    for (int i = 0; i < 3; ++i) {
      result<postgres_result> sum = co_await db.query_prepared("add", i, 10);
      EXPECT_TRUE(sum && sum->number<int>(0, 0) == i + 10);
    }
    result<postgres_result> absent = co_await db.query_prepared("absent", 1);
    EXPECT_EQ(sqlstate_of(absent.error()), "26000");
    EXPECT_EQ(db.state(), connection_state::ready);
  }

  /// Neither side may wait for the other: the statement is larger than all buffers, and so is its result.
  task<> large_both_ways(postgres_connection& db) {
    std::string large = pattern(8u << 20);
    for (char& each : large) each = static_cast<char>('a' + static_cast<unsigned char>(each) % 26);
    result<postgres_result> echoed = co_await db.query("select $1::text, $1::text", large);
    EXPECT_TRUE(echoed && echoed->text(0, 0) == large && echoed->text(0, 1) == large);
  }

  task<> streams(postgres_connection& db) {
    postgres_stream numbers =
        db.stream("select n, repeat('x', 1000) from generate_series(1, $1::int) n", 3000);
    std::size_t rows = 0;
    std::size_t batches = 0;
    for (;;) {
      std::optional<result<postgres_result>> batch = co_await numbers.next();
      if (!batch) break;
      EXPECT_TRUE(*batch);
      if (!*batch) break;
      for (std::size_t row = 0; row < (*batch)->rows(); ++row)
        EXPECT_EQ((*batch)->number<std::size_t>(row, 0), ++rows);
      EXPECT_LE((*batch)->size_bytes(), 70u << 10);
      ++batches;
    }
    EXPECT_EQ(rows, 3000u);
    EXPECT_GT(batches, 10u);
    EXPECT_EQ(db.state(), connection_state::ready);
  }

  task<> a_stream_that_fails_says_so_last(postgres_connection& db) {
    postgres_stream numbers = db.stream("select 10 / (5 - n) from generate_series(1, 10) n");
    bool has_failed = false;
    for (;;) {
      std::optional<result<postgres_result>> batch = co_await numbers.next();
      if (!batch) break;
      EXPECT_FALSE(has_failed);
      has_failed = !*batch;
      EXPECT_EQ(has_failed ? sqlstate_of(batch->error()) : "22012", "22012");
    }
    EXPECT_TRUE(has_failed);
    EXPECT_EQ(db.state(), connection_state::ready);
  }

  task<> a_stream_that_is_dropped_leaves_a_usable_connection(postgres_connection& db) {
    {
      postgres_stream endless = db.stream("select generate_series(1, 1000000000)");
      std::optional<result<postgres_result>> first = co_await endless.next();
      EXPECT_TRUE(first && *first);
      result<postgres_result> second = co_await db.query("select 1");
      EXPECT_TRUE(!second && second.error() == std::errc::device_or_resource_busy);
    }
    EXPECT_EQ(db.state(), connection_state::dirty);
    // One drops what is left; a second one that joined it would take the answers of whoever goes on first.
    auto [after, beside] = co_await when_all(db.query("select 7"), db.query("select 8"));
    EXPECT_TRUE(after && after->number<int>(0, 0) == 7);
    EXPECT_TRUE(!beside && beside.error() == std::errc::device_or_resource_busy);
  }

  task<> a_deadline_ends_the_statement_at_the_server_too(postgres_connection& db) {
    result<postgres_result> late = co_await with_deadline(20ms, db.query("select pg_sleep(3600)"));
    EXPECT_TRUE(!late && late.error().is_timeout());
    EXPECT_EQ(db.state(), connection_state::dirty);
    result<> recovered = co_await db.recover();
    EXPECT_TRUE(recovered);
    EXPECT_EQ(db.state(), connection_state::ready);
    result<postgres_connection> other = co_await connect_to(server->over_tcp());
    EXPECT_TRUE(other);
    if (!other) co_return;
    result<postgres_result> sleeping = co_await other->query(
        "select count(*) from pg_stat_activity where pid = $1 and state = 'active'", db.server_process());
    EXPECT_TRUE(sleeping && sleeping->number<int>(0, 0) == 0);
  }

  task<> cancelled_at_any_moment_the_next_statement_gets_its_own_answer(postgres_connection& db) {
    for (int round = 0; round < 20; ++round) {
      cancellation scope;
      auto asks = [&]() -> task<> {
        result<postgres_result> answer =
            co_await db.query("select n from generate_series(1, 2000) n").under(&scope);
        EXPECT_TRUE(answer || answer.error().is_cancelled());
      };
      auto cancels = [&]() -> task<> {
        co_await turns(round);
        scope.request();
      };
      co_await when_all(asks(), cancels());
      result<postgres_result> own = co_await db.query("select $1::int", round);
      EXPECT_TRUE(own && own->number<int>(0, 0) == round);
    }
  }

  task<> an_open_transaction_is_rolled_back_by_recover(postgres_connection& db) {
    result<postgres_result> begun = co_await db.query("begin");
    result<postgres_result> made = co_await db.query("create table never(id int)");
    EXPECT_TRUE(begun && made);
    EXPECT_EQ(db.state(), connection_state::dirty);
    result<> recovered = co_await db.recover();
    EXPECT_TRUE(recovered);
    EXPECT_EQ(db.state(), connection_state::ready);
    result<postgres_result> gone = co_await db.query("select * from never");
    EXPECT_EQ(sqlstate_of(gone.error()), "42P01");
  }

  task<> a_result_above_its_bound_is_given_up(postgres_connection& db) {
    postgres_options small(server->over_unix());
    small.result_bytes_max = 10000;
    result<postgres_connection> bounded = co_await postgres_connection::connect(small);
    result<postgres_result> much =
        co_await bounded->query("select repeat('x', 1000), generate_series(1, 1000000)");
    EXPECT_TRUE(!much && much.error() == errc::limit_reached);
    result<postgres_result> after = co_await bounded->query("select 1");
    EXPECT_TRUE(after);
    EXPECT_EQ(db.state(), connection_state::ready);
  }

  task<> notices_and_notifications(postgres_connection& db) {
    std::string notice;
    postgres_options talkative(server->over_unix());
    talkative.on_notice = [&](std::string_view text) { notice = text; };
    result<postgres_connection> other = co_await postgres_connection::connect(talkative);
    result<postgres_result> noted = co_await other->query("do $$ begin raise notice 'hear, hear'; end $$");
    EXPECT_TRUE(noted);
    EXPECT_EQ(notice, "hear, hear");

    result<postgres_result> listens = co_await db.query("listen news");
    EXPECT_TRUE(listens);
    result<postgres_notification> none = co_await with_deadline(1ms, db.notification());
    EXPECT_TRUE(!none && none.error().is_timeout());
    EXPECT_EQ(db.state(), connection_state::ready);
    auto [heard, told] =
        co_await when_all(db.notification(), other->query("select pg_notify('news', 'weir')"));
    EXPECT_TRUE(heard && heard->channel == "news" && heard->payload == "weir");
    EXPECT_EQ(heard->process, other->server_process());
  }

  task<> examples_of_the_documentation(postgres_connection& db) {
    result<postgres_result> made = co_await db.query("create table item(id int, name text, price int)");
    result<postgres_result> filled =
        co_await db.query("insert into item values (1, 'tea', 3), (2, 'ink', 4)");
    EXPECT_TRUE(made && filled && filled->rows_affected() == 2);
    result<long> sum = co_await sum_of_prices(db);
    EXPECT_EQ(sum.value(), 7);
    result<std::string> name = co_await with_a_pool(server->over_unix());
    EXPECT_EQ(name.value(), "tea");
    result<postgres_result> dropped = co_await db.query("drop table item");
    EXPECT_TRUE(dropped);
  }

  task<> a_server_that_ends_the_connection_is_told(postgres_connection& db) {
    result<postgres_connection> other = co_await connect_to(server->over_unix());
    auto ends_it = [&]() -> task<> {
      co_await turns(3);
      result<postgres_result> ended =
          co_await other->query("select pg_terminate_backend($1)", db.server_process());
      EXPECT_TRUE(ended);
    };
    auto [lost, done] = co_await when_all(db.query("select pg_sleep(3600)"), ends_it());
    EXPECT_TRUE(!lost && lost.error() == std::errc::connection_reset) << lost.error().message();
    EXPECT_EQ(sqlstate_of(lost.error()), "57P01");
    EXPECT_EQ(db.state(), connection_state::broken);
  }
};

#define WEIR_STEP(name) std::pair(#name, step(&postgres_connection_test::name))

TEST_F(postgres_connection_test, keeps_its_promises_with_a_real_server) {
  on_a_server({
      WEIR_STEP(parameters_and_rows),
      WEIR_STEP(bytes_and_zero_bytes),
      WEIR_STEP(errors_have_sqlstate_and_words),
      WEIR_STEP(prepared_statements),
      WEIR_STEP(large_both_ways),
      WEIR_STEP(streams),
      WEIR_STEP(a_stream_that_fails_says_so_last),
      WEIR_STEP(a_stream_that_is_dropped_leaves_a_usable_connection),
      WEIR_STEP(a_deadline_ends_the_statement_at_the_server_too),
      WEIR_STEP(cancelled_at_any_moment_the_next_statement_gets_its_own_answer),
      WEIR_STEP(an_open_transaction_is_rolled_back_by_recover),
      WEIR_STEP(a_result_above_its_bound_is_given_up),
      WEIR_STEP(notices_and_notifications),
      WEIR_STEP(examples_of_the_documentation),
      WEIR_STEP(a_server_that_ends_the_connection_is_told),
  });
}

using postgres_without_server_test = backend_test;

TEST_P(postgres_without_server_test, a_server_that_is_not_there_is_named) {
  run([&]() -> task<> {
    const std::string port = std::to_string(unused_port());
    result<postgres_connection> none = co_await connect_to("host=127.0.0.1 port=" + port);
    EXPECT_TRUE(!none && none.error() == std::errc::connection_refused);
    EXPECT_NE(none.error().message().find("connect 127.0.0.1:" + port), std::string::npos)
        << none.error().message();
    result<postgres_connection> nonsense = co_await connect_to("host");
    EXPECT_TRUE(!nonsense && nonsense.error().message().find("missing \"=\"") != std::string::npos);
  });
}

TEST_P(postgres_without_server_test, a_name_is_resolved_on_the_pool) {
  run([&]() -> task<> {
    const std::string port = std::to_string(unused_port());
    result<postgres_connection> none = co_await connect_to("host=localhost port=" + port);
    EXPECT_TRUE(!none && none.error() == std::errc::connection_refused) << none.error().message();
    EXPECT_GT(on().blocking().threads(pool_class::dns), 0u);
  });
}

TEST_P(postgres_without_server_test, a_server_that_says_nothing_meets_the_deadline) {
  run([&]() -> task<> {
    const listening_socket silent = listen_on(transport::tcp);
    const int port = ntohs(reinterpret_cast<const sockaddr_in&>(silent.address).sin_port);
    auto connects = connect_to("host=127.0.0.1 port=" + std::to_string(port));
    result<postgres_connection> late = co_await with_deadline(5ms, std::move(connects));
    EXPECT_TRUE(!late && late.error().is_timeout());
  });
}

INSTANTIATE_TEST_SUITE_P(backends, postgres_without_server_test, on_each_backend(), name_of_backend);

TEST(postgres_error_test, sqlstates_are_codes_with_a_portable_meaning) {
  const error gone(sqlstate_code("57P01"), "query");
  EXPECT_EQ(sqlstate_of(gone), "57P01");
  EXPECT_EQ(gone, std::errc::connection_reset);
  EXPECT_TRUE(is_transient(error(sqlstate_code("40001"), "query")));
  EXPECT_FALSE(is_transient(error(sqlstate_code("23505"), "query")));
  EXPECT_FALSE(error(sqlstate_code("57014"), "query").is_cancelled());
  EXPECT_EQ(sqlstate_of(error(sqlstate_code("ZZZZZ"), "query")), "ZZZZZ");
  EXPECT_EQ(sqlstate_of(error(errc::closed, "query")), "");
}

} // namespace
} // namespace weir::test
