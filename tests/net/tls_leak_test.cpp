// Handshakes leave nothing behind: every byte that OpenSSL has asked for is given back.
#include "tls_ends.hpp"

#include <openssl/crypto.h>
#include <support/descriptors.hpp>

#include <atomic>
#include <cstdlib>

namespace weir::test {
namespace {

/// What OpenSSL holds: counted from before its first allocation, as CRYPTO_set_mem_functions(3) asks.
class openssl_memory {
 public:
  static std::int64_t blocks() noexcept { return blocks_; }
  static bool is_counted() noexcept { return is_counted_; }

 private:
  static void* allocate(std::size_t size, const char*, int) {
    void* memory = std::malloc(size);
    if (memory) ++blocks_;
    return memory;
  }
  static void* reallocate(void* before, std::size_t size, const char*, int) {
    if (size == 0) {
      release(before, nullptr, 0);
      return nullptr;
    }
    void* memory = std::realloc(before, size);
    if (memory && !before) ++blocks_;
    return memory;
  }
  static void release(void* memory, const char*, int) {
    if (memory) --blocks_;
    std::free(memory);
  }

  static inline std::atomic<std::int64_t> blocks_{0};
  static inline const bool is_counted_ = CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
};

/// Whole and failing ones, dropped and closed, with and without sessions.
task<> one_of_each(const tls_context& server, const tls_context& good, const tls_context& bad, carrier over,
                   tls_session_cache& cache) {
  auto [one, other] = carriers(over);
  tls_ends ends = co_await shake_hands(std::move(one), std::move(other), good, server,
                                       tls_connect_options("localhost", &cache));
  EXPECT_TRUE(ends.client && ends.server);
  co_await write_text(*ends.server, "word");
  const std::string word = co_await read_text(*ends.client, 4);
  EXPECT_EQ(word, "word");
  result<> closed = co_await ends.client->close();
  EXPECT_TRUE(closed);

  auto [third, fourth] = carriers(over);
  tls_ends refused = co_await shake_hands(std::move(third), std::move(fourth), bad, server);
  EXPECT_FALSE(refused.client || refused.server);
}

class tls_handshakes : public tls_test {
 protected:
  void repeat(int count) {
    ASSERT_TRUE(openssl_memory::is_counted());
    const tls_settings settings = plain_settings();
    tls_client_options mistaken;
    mistaken.authorities.push_back(workshop().self_signed("nobody").certificate_pem());
    const tls_context server = context_of(settings.server);
    const tls_context good = context_of(settings.client);
    const tls_context bad = context_of(mistaken);
    const auto repeated = [&](int times) -> task<> {
      tls_session_cache cache;
      for (int i = 0; i < times; ++i) co_await one_of_each(server, good, bad, over(), cache);
      co_await turns(5);
    };
    run(repeated(10)); // what is made once is there now
    const std::int64_t blocks_before = openssl_memory::blocks();
    const std::size_t open_before = open_descriptors();
    for (int done = 0; done < count; done += 200) run(repeated(100)); // each makes two
    EXPECT_EQ(openssl_memory::blocks(), blocks_before);
    EXPECT_EQ(open_descriptors(), open_before);
  }
};

TEST_P(tls_handshakes, by_the_hundred_leave_nothing_behind) {
  repeat(200);
}

TEST_P(tls_handshakes, heavy_10000_leave_nothing_behind) {
  repeat(10'000);
}

INSTANTIATE_TEST_SUITE_P(backends, tls_handshakes, over_tls_tcp(), name_of_both<carrier>);

} // namespace
} // namespace weir::test
