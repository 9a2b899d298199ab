// What an end of a pipe owes to the loop and to its scope; that it moves bytes is seen in process_test.cpp.
#include "pipe_of_test.hpp"

#include <weir/os/pipe_end.hpp>
#include <weir/os/readiness.hpp>

#include <support/coroutine_fixture.hpp>

#include <algorithm>

namespace weir::test {
namespace {

pipe_end adopted(descriptor end) {
  result<pipe_end> made = pipe_end::adopt(std::move(end));
  EXPECT_TRUE(made) << made.error().message();
  return std::move(*made);
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

int unread_bytes(const descriptor& reader) {
  int bytes = 0;
  EXPECT_EQ(calls().ioctl(reader.get(), FIONREAD, &bytes), 0);
  return bytes;
}

class pipe_end_test : public backend_test {
 protected:
  void TearDown() override {
    foreign_.reader.reset();
    foreign_.writer.reset();
    backend_test::TearDown();
  }

  pipe_of_test foreign_;
};

TEST_P(pipe_end_test, writes_nothing_in_a_scope_that_was_asked_to_end) {
  run([&]() -> task<> {
    pipe_end writer = adopted(std::move(foreign_.writer));
    cancellation scope;
    scope.request();
    result<std::size_t> some = co_await writer.write_some(bytes_of("x")).under(&scope);
    EXPECT_TRUE(!some && some.error().is_cancelled());
    result<> all = co_await writer.write_all(bytes_of("x")).under(&scope);
    EXPECT_TRUE(!all && all.error().is_cancelled());
    EXPECT_EQ(unread_bytes(foreign_.reader), 0);
  });
}

TEST_P(pipe_end_test, lets_others_run_between_the_parts_of_a_long_write) {
  constexpr int pipe_bytes = 1024 * 1024; // room for all: the writer never waits
  if (calls().fcntl(foreign_.writer.get(), F_SETPIPE_SZ, pipe_bytes) != pipe_bytes)
    GTEST_SKIP() << "fcntl(F_SETPIPE_SZ): " << std::strerror(errno);
  run([&]() -> task<> {
    pipe_end writer = adopted(std::move(foreign_.writer));
    const std::string sent(pipe_bytes, 'x');
    std::vector<int> seen;
    auto write = [&]() -> task<> {
      result<> written = co_await writer.write_all(bytes_of(sent));
      EXPECT_TRUE(written);
    };
    auto look = [&]() -> task<> {
      while (seen.empty() || seen.back() < pipe_bytes) {
        seen.push_back(unread_bytes(foreign_.reader));
        co_await yield();
      }
    };
    co_await when_all(write(), look());
    int longest = seen.front();
    for (std::size_t i = 1; i < seen.size(); ++i) longest = std::max(longest, seen[i] - seen[i - 1]);
    EXPECT_EQ(longest, 256 * 1024);
  });
}

TEST_P(pipe_end_test, writes_that_are_cancelled_lose_nothing_and_repeat_nothing) {
  run([&]() -> task<> {
    pipe_end writer = adopted(std::move(foreign_.writer));
    const std::string text = pattern(300'000); // more than a pipe holds
    std::size_t written = 0;
    for (int in_vain = 0; in_vain < 2;) {
      const std::string_view rest = std::string_view(text).substr(written);
      result<std::size_t> some = co_await with_deadline(1ms, writer.write_some(bytes_of(rest)));
      if (some)
        written += *some;
      else
        ++in_vain;
    }
    EXPECT_GT(written, 0u);
    std::string got;
    while (got.size() < written) {
      result<> woken = co_await readable(foreign_.reader.get());
      EXPECT_TRUE(woken);
      got += foreign_.take();
    }
    EXPECT_TRUE(got == text.substr(0, written));
    co_await turns(3);
    EXPECT_EQ(unread_bytes(foreign_.reader), 0);
    result<std::size_t> more = co_await writer.write_some(bytes_of("x"));
    EXPECT_TRUE(more && *more == 1);
    EXPECT_EQ(foreign_.take(), "x");
  });
}

TEST_P(pipe_end_test, closed_while_it_is_full_is_seen_as_the_end) {
  run([&]() -> task<> {
    pipe_end writer = adopted(std::move(foreign_.writer));
    const std::string text = pattern(300'000);
    result<> late = co_await with_deadline(1ms, writer.write_all(bytes_of(text)));
    EXPECT_TRUE(!late && late.error().is_timeout());
    writer.close();
    EXPECT_FALSE(writer);
    pipe_end reader = adopted(std::move(foreign_.reader));
    std::string got;
    std::array<std::byte, 4096> bytes;
    for (std::size_t count = 1; count > 0;) {
      result<std::size_t> some = co_await reader.read_some(bytes);
      EXPECT_TRUE(some);
      count = some.value_or(0);
      got.append(reinterpret_cast<const char*>(bytes.data()), count);
    }
    EXPECT_TRUE(text.starts_with(got) && !got.empty());
  });
}

INSTANTIATE_TEST_SUITE_P(backends, pipe_end_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
