// Servers that are lost, slow, wrong or hostile: every lookup ends once, with a clear error or the answer.
#include "resolver_rig.hpp"

#include <weir/async/retry.hpp>

namespace weir::test {
namespace {

class resolver_faults : public resolver_rig {
 protected:
  static resolver_options impatient(const dns_server& server, unsigned tries = 2) {
    resolver_options options = options_for(server);
    options.query_timeout = 10ms;
    options.tries = tries;
    return options;
  }
  static task<result<std::vector<address>>> ask(resolver& names) {
    return names.resolve("example.org", 1, ip_family::v4);
  }
};

TEST_P(resolver_faults, a_lost_answer_is_asked_for_again) {
  int lost = 0;
  dns_server server([&](const dns_query& query) -> std::optional<std::string> {
    if (lost++ == 0) return std::nullopt;
    return two_families(query);
  });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(impatient(server, 8));
    const auto found = co_await ask(names);
    EXPECT_EQ(text_of(found), "10.0.0.1:1");
    EXPECT_GE(server.queries.size(), 2u);
  });
}

TEST_P(resolver_faults, a_silent_server_is_a_time_out) {
  dns_server server(silence);
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(impatient(server));
    const auto found = co_await ask(names);
    EXPECT_TRUE(!found && found.error().is_timeout());
    EXPECT_EQ(text_of(found), "resolve example.org: Connection timed out");
    EXPECT_EQ(server.queries.size(), 2u);
    EXPECT_EQ(names.queries_in_flight(), 0u);
  });
}

TEST_P(resolver_faults, a_failing_server_is_told_apart_and_worth_another_try) {
  dns_server server([](const dns_query& query) { return dns_reply(query, 2); });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(impatient(server));
    const auto found = co_await ask(names);
    EXPECT_EQ(text_of(found), "resolve example.org: server failure");
    EXPECT_TRUE(is_transient(found.error()));
  });
}

TEST_P(resolver_faults, the_next_server_helps_out) {
  dns_server failing([](const dns_query& query) { return dns_reply(query, 2); });
  dns_server good(two_families);
  run_with(failing, [&]() -> task<> {
    auto body = [&]() -> task<> {
      resolver_options options = impatient(failing, 8);
      options.servers.push_back(good.where());
      resolver names = co_await opened(options);
      const auto found = co_await ask(names);
      EXPECT_EQ(text_of(found), "10.0.0.1:1");
    };
    co_await when_any(good.serve(), body());
  });
}

TEST_P(resolver_faults, a_server_that_is_not_there_is_an_error_at_once) {
  dns_server gone(two_families);
  resolver_options options = options_for(gone);
  options.query_timeout = 10s;
  gone = dns_server(two_families); // its port is closed
  run_with(gone, [&]() -> task<> {
    resolver names = co_await opened(options);
    const auto found = co_await ask(names);
    EXPECT_TRUE(is_failure(found, make_error_code(resolve_errc::server_failure))) << text_of(found);
  });
}

TEST_P(resolver_faults, no_such_name_is_told_with_the_name) {
  dns_server server([](const dns_query& query) { return dns_reply(query, 3); });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(impatient(server));
    const auto found = co_await names.resolve("nowhere.example", 1);
    EXPECT_EQ(text_of(found), "resolve nowhere.example: name not found");
    EXPECT_FALSE(is_transient(found.error()));
  });
}

TEST_P(resolver_faults, what_may_pass_hides_behind_no_definite_no) {
  dns_server server([](const dns_query& query) { return dns_reply(query, query.type == type_a ? 3 : 2); });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(impatient(server));
    const auto found = co_await names.resolve("example.org", 1);
    EXPECT_TRUE(is_failure(found, make_error_code(resolve_errc::server_failure)));
  });
}

TEST_P(resolver_faults, an_answer_with_a_wrong_id_is_not_believed) {
  dns_server server(silence);
  server.respond = [&](const dns_query& query) -> std::optional<std::string> {
    std::string wrong = query.id;
    wrong[0] = static_cast<char>(wrong[0] ^ 0x55);
    server.answer(query, dns_reply(query).with_id(wrong).address("6.6.6.6"));
    return two_families(query);
  };
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const auto found = co_await ask(names);
    EXPECT_EQ(text_of(found), "10.0.0.1:1");
  });
}

TEST_P(resolver_faults, an_answer_to_another_question_is_not_believed) {
  dns_server server(silence);
  server.respond = [&](const dns_query& query) -> std::optional<std::string> {
    dns_query other = query;
    other.name = "other.example";
    other.question = wire_name(other.name) + query.question.substr(query.question.size() - 4);
    server.answer(query, dns_reply(other).address("6.6.6.6"));
    return two_families(query);
  };
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const auto found = co_await ask(names);
    EXPECT_EQ(text_of(found), "10.0.0.1:1");
  });
}

TEST_P(resolver_faults, a_truncated_answer_is_fetched_over_tcp) {
  dns_server server([](const dns_query& query) -> std::optional<std::string> {
    if (!query.over_tcp) return dns_reply(query).truncated();
    return two_families(query);
  });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const auto found = co_await ask(names);
    EXPECT_EQ(text_of(found), "10.0.0.1:1");
    EXPECT_TRUE(server.queries.back().over_tcp);
  });
}

TEST_P(resolver_faults, a_tcp_connection_that_breaks_off_ends_the_question) {
  dns_server server([](const dns_query& query) -> std::optional<std::string> {
    if (!query.over_tcp) return dns_reply(query).truncated();
    return std::nullopt; // closes
  });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(impatient(server));
    const auto found = co_await ask(names);
    EXPECT_FALSE(found);
  });
}

TEST_P(resolver_faults, of_a_huge_answer_the_beginning_is_kept) {
  dns_server server([](const dns_query& query) -> std::optional<std::string> {
    if (!query.over_tcp) return dns_reply(query).truncated();
    dns_reply huge(query);
    for (int i = 0; i < 2000; ++i)
      huge.address(("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)).c_str());
    return huge;
  });
  run_with(server, [&]() -> task<> {
    resolver_options options = options_for(server);
    options.addresses_max = 10;
    resolver names = co_await opened(options);
    const auto found = co_await ask(names);
    EXPECT_EQ(found.value().size(), 10u);
    EXPECT_EQ(found->back().to_string(), "10.0.0.9:1");
  });
}

TEST_P(resolver_faults, malformed_answers_are_errors_and_nothing_worse) {
  std::string tail;
  dns_server server([&](const dns_query& query) -> std::optional<std::string> {
    // One record is announced; what comes is anything.
    return query.id + "\x85\x80" + big_endian_16(1) + big_endian_16(1) + std::string(4, '\0') +
           query.question + tail;
  });
  const std::string record =
      std::string("\xc0\x0c", 2) + big_endian_16(1) + big_endian_16(1) + std::string(4, '\0');
  const std::vector<std::string> tails{
      "",                                                                        // nothing
      std::string("\xc0\x0c", 2),                                                // a name and no more
      record + big_endian_16(4) + "\x0a",                                        // data that end early
      record + big_endian_16(0xffff),                                            // or are not there
      std::string("\xc0\xff", 2) + record.substr(2) + big_endian_16(4) + "abcd", // a name beyond the end
      std::string("\xc0", 1) + static_cast<char>(12 + 17) + record.substr(2) + big_endian_16(4) +
          "abcd",                                    // of itself
      std::string("\x3f", 1) + std::string(20, 'x'), // a label that is cut
  };
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(impatient(server, 1));
    for (const std::string& each : tails) {
      tail = each;
      const auto found = co_await ask(names);
      EXPECT_TRUE(!found && (found.error() == make_error_code(resolve_errc::bad_answer) ||
                             found.error() == make_error_code(resolve_errc::no_data)))
          << text_of(found);
    }
  });
}

TEST_P(resolver_faults, garbage_is_passed_over) {
  dns_server server(silence);
  server.respond = [&](const dns_query& query) -> std::optional<std::string> {
    for (const std::size_t size : {0u, 1u, 11u, 12u, 13u, 40u})
      server.answer(query, std::string(size, '\xff'));
    server.answer(query, query.id + std::string(10, '\xff'));
    return two_families(query);
  };
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const auto found = co_await ask(names);
    EXPECT_EQ(text_of(found), "10.0.0.1:1");
  });
}

INSTANTIATE_TEST_SUITE_P(backends, resolver_faults, on_each_real_backend(), name_of_backend);

} // namespace
} // namespace weir::test
