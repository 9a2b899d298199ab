// Fuzzes a TLS connection without its sockets. The first byte of the input chooses: bytes of a stranger, in
// pieces, or a conversation of a client and a server whose records the rest of the input cuts, flips, drops,
// doubles and mixes with its own. Beyond "no crash" it checks that cutting changes nothing, that whoever
// tampers makes nobody read what was not written, and that a conversation which nobody touches comes through.
//
//   tls_fuzzer -max_len=2048 tests/fuzz/corpus/tls
#include "net/tls_context_state.hpp"
#include "net/tls_engine.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace weir;

// No secret: of nobody, for nothing.
constexpr const char* key_pem = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8BioDHj0qPkHB2Va
oc2nhzo/+A1/bs+EXocBxiRA+vShRANCAAQr5fzX7J61UFZhFD8rRBiPkJC0LyOq
LWjLEVMp96qpvJdmoUt2Dj3yyyjsV4/uc7EGjkGbwm0Np1KSfeLzM+Sx
-----END PRIVATE KEY-----
)";
constexpr const char* certificate_pem = R"(-----BEGIN CERTIFICATE-----
MIIBhjCCASygAwIBAgIUWrYbpUhQxV+o+t+0JGXK1rGKB5UwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEZnV6ejAgFw0yNjExMjYwNjA2NTdaGA8yMTI2MTEwMjA2MDY1
N1owDzENMAsGA1UEAwwEZnV6ejBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCvl
/NfsnrVQVmEUPytEGI+QkLQvI6otaMsRUyn3qqm8l2ahS3YOPfLLKOxXj+5zsQaO
QZvCbQ2nUpJ94vMz5LGjZDBiMB0GA1UdDgQWBBShV7DbHDozhKPqqmkH3ShsRvAg
6TAfBgNVHSMEGDAWgBShV7DbHDozhKPqqmkH3ShsRvAg6TAPBgNVHRMBAf8EBTAD
AQH/MA8GA1UdEQQIMAaCBGZ1enowCgYIKoZIzj0EAwIDSAAwRQIgCD4XHyvS4zKP
8cGJAwDioZbRRyNnDXhKDAqEuEU75/MCIQC371LynFveeMFZ2E+bLUaICNwcv/9r
JdLZwRWKFSUWeg==
-----END CERTIFICATE-----
)";

constexpr std::size_t output_bytes_max = std::size_t{256} << 10; // of one call
constexpr std::size_t plain_bytes_max = std::size_t{64} << 10;

void require(bool invariant, const char* text) {
  if (invariant) return;
  std::fprintf(stderr, "broken invariant: %s\n", text);
  std::abort();
}

const tls_context& context_of(bool server) {
  static const tls_context as_client = [] {
    tls_client_options options;
    options.verifies_server = false;
    return tls_context::client(options).value();
  }();
  static const tls_context as_server =
      tls_context::server(tls_server_options({tls_pem::text(certificate_pem), tls_pem::text(key_pem)}))
          .value();
  return server ? as_server : as_client;
}

ssl_ptr connection_of(bool server, bool is_1_2) {
  ssl_ptr made(SSL_new(context_of(server).shared_state()->ssl.get()));
  if (is_1_2) SSL_set_max_proto_version(made.get(), TLS1_2_VERSION);
  server ? SSL_set_accept_state(made.get()) : SSL_set_connect_state(made.get());
  return made;
}

/// One end of a connection, and what is on its way to it.
class side {
 public:
  side(bool server, bool is_1_2, buffer_pool& chunks) : engine_(connection_of(server, is_1_2), chunks) {}

  void shake_hands(side& other) {
    const result<bool> done = engine_.handshake();
    if (done && *done) is_connected = true;
    note(done ? result<>() : result<>(fail(done.error())));
    hand_over(other);
  }

  /// The next bytes that are on their way arrive in one piece.
  void take(std::size_t count, side& other) {
    const std::size_t size = std::min(count, incoming.size());
    if (size == 0) return;
    const std::string piece = incoming.substr(0, size);
    incoming.erase(0, size);
    if (has_failed || has_ended) return;
    engine_.feed(lease::copy_of(std::as_bytes(std::span(piece))));
    while (!engine_.needs_input() && !has_failed && !has_ended) is_connected ? decrypt() : shake_hands(other);
    if (is_connected && !has_failed && !has_ended) decrypt(); // what OpenSSL holds of it
    hand_over(other);
  }

  void say(std::size_t count, side& other) {
    if (!is_connected || has_failed || is_shut || said.size() + count > plain_bytes_max) return;
    std::string text(count, '\0');
    for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>((said.size() + i) * 31 % 251);
    const result<std::size_t> taken = engine_.encrypt(std::as_bytes(std::span(text)));
    if (!taken) return note(fail(taken.error()));
    said += text.substr(0, *taken);
    hand_over(other);
  }
  void end(side& other) {
    engine_.close_notify();
    is_shut = true;
    hand_over(other);
  }
  void update_keys(side& other) {
    if (!is_connected || has_failed || is_shut) return;
    (void)engine_.update_keys(); // TLS 1.2 has none
    hand_over(other);
  }

  std::string incoming;
  std::string said;
  std::string heard;
  const char* why = ""; ///< it failed
  bool is_connected = false;
  bool has_failed = false;
  bool has_ended = false; ///< the other one has said so
  bool is_shut = false;

 private:
  void decrypt() {
    std::array<std::byte, 4096> plain;
    for (;;) {
      const result<std::optional<std::size_t>> got = engine_.decrypt(plain);
      if (!got) return note(fail(got.error()));
      if (!*got) return;
      if (**got == 0) {
        has_ended = true;
        return;
      }
      heard.append(reinterpret_cast<const char*>(plain.data()), **got);
    }
  }
  void note(const result<>& outcome) {
    if (outcome) return;
    has_failed = true;
    why = outcome.error().operation();
    require(*why != '\0', "a failure has a name");
  }
  void hand_over(side& other) {
    outbound& output = engine_.output();
    require(output.bytes() <= output_bytes_max, "one call makes no more than it should");
    while (!output.empty()) {
      iovec oldest{};
      output.gather({&oldest, 1});
      other.incoming.append(static_cast<const char*>(oldest.iov_base), oldest.iov_len);
      output.consume(oldest.iov_len);
    }
  }

  tls_engine engine_;
};

buffer_pool& chunks() {
  static buffer_pool pool{buffer_pool_options{std::size_t{64} << 10, std::size_t{64} << 20}};
  return pool;
}

// --- a stranger

/// Whether it failed, and with what.
std::string hear_stranger(bool server, std::string_view bytes, std::size_t piece_max) {
  side ours(server, false, chunks());
  side stranger(!server, false, chunks());
  if (!server) ours.shake_hands(stranger);
  ours.incoming = bytes;
  while (!ours.incoming.empty()) ours.take(piece_max, stranger);
  require(ours.heard.empty() && !ours.is_connected, "a stranger cannot guess our keys");
  return ours.has_failed ? ours.why : "";
}

void fuzz_stranger(bool server, std::string_view bytes) {
  const std::string whole = hear_stranger(server, bytes, bytes.size() + 1);
  require(whole == hear_stranger(server, bytes, 1), "a stranger in single bytes");
  require(whole == hear_stranger(server, bytes, 7), "a stranger in pieces");
}

// --- a conversation

/// What the input does to a conversation, step by step.
class director {
 public:
  director(std::string_view script, bool is_1_2)
      : script_(script), client_(false, is_1_2, chunks()), server_(true, is_1_2, chunks()) {}

  void play() {
    client_.shake_hands(server_);
    while (!script_.empty()) {
      act(next());
      check();
    }
    if (is_tampered_) return;
    const bool have_ended = client_.is_shut || server_.is_shut;
    for (int i = 0; i < 100 && !(client_.incoming.empty() && server_.incoming.empty()); ++i) {
      server_.take(server_.incoming.size(), client_);
      client_.take(client_.incoming.size(), server_);
    }
    check();
    require(!client_.has_failed && !server_.has_failed, "nobody touched it, and it failed");
    if (have_ended) return; // what comes behind a good-bye is not read
    require(client_.is_connected && server_.is_connected, "hands are shaken");
    require(client_.heard == server_.said && server_.heard == client_.said, "all is heard");
  }

 private:
  std::uint8_t next() {
    if (script_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(script_.front());
    script_.remove_prefix(1);
    return byte;
  }

  void act(std::uint8_t what) {
    side& to = what % 2 == 0 ? server_ : client_;
    side& from = what % 2 == 0 ? client_ : server_;
    const std::size_t number = next();
    switch (what / 2 % 10) {
    case 0:
    case 1:
      return to.take(number + 1, from);
    case 2:
      return to.take(to.incoming.size(), from);
    case 3:
      return from.say(number * number + 1, to);
    case 4:
      return number % 2 == 0 ? from.end(to) : from.update_keys(to);
    default:
      tamper(to, what / 2 % 10, number);
    }
  }

  void tamper(side& to, int how, std::size_t number) {
    std::string& bytes = to.incoming;
    if (how == 5) {
      const std::string own(script_.substr(0, number % 64));
      script_.remove_prefix(own.size());
      if (own.empty()) return;
      bytes.insert(0, own);
    } else if (bytes.empty()) {
      return;
    } else if (how == 6) {
      bytes.erase(0, number + 1);
    } else if (how == 7) {
      bytes.insert(0, bytes.substr(0, number + 1));
    } else {
      bytes[number % bytes.size()] ^= static_cast<char>(1 + next() % 255);
    }
    is_tampered_ = true;
  }

  void check() const {
    require(client_.said.starts_with(server_.heard) && server_.said.starts_with(client_.heard),
            "what is read was written, in its order");
  }

  std::string_view script_;
  side client_;
  side server_;
  bool is_tampered_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
  case 0:
  case 1:
    fuzz_stranger(data[0] % 4 == 1, input);
    break;
  default:
    director(input, data[0] % 4 == 2).play();
    break;
  }
  return 0;
}
