// A DNS server for tests, over UDP and TCP on one port of the loopback interface and on the test's own loop.
// What it answers, or that it stays silent, is the test's business.
#pragma once

#include <weir/async/operations.hpp>
#include <weir/async/when_all.hpp>
#include <weir/net/address.hpp>
#include <weir/os/readiness.hpp>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::test {

inline std::string big_endian_16(std::size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
inline std::uint16_t read_16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(bytes[at]) << 8 |
                                    static_cast<std::uint8_t>(bytes[at + 1]));
}
/// "www.example" as labels.
inline std::string wire_name(std::string_view name) {
  std::string wire;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    wire += static_cast<char>(label.size());
    wire += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return wire + '\0';
}

enum dns_type : std::uint16_t { type_a = 1, type_cname = 5, type_ptr = 12, type_aaaa = 28 };

struct dns_query {
  std::string id;
  std::string question; ///< as it came: name, type, class
  std::string name;
  std::uint16_t type = 0;
  bool over_tcp = false;
  sockaddr_storage from{}; ///< over UDP
};

inline dns_query parse_query(std::string_view message, bool over_tcp) {
  dns_query query;
  query.over_tcp = over_tcp;
  query.id = message.substr(0, 2);
  std::size_t at = 12;
  while (message[at] != '\0') {
    const auto size = static_cast<std::size_t>(message[at]);
    query.name += (query.name.empty() ? "" : ".") + std::string(message.substr(at + 1, size));
    at += size + 1;
  }
  query.type = read_16(message, at + 1);
  query.question = message.substr(12, at + 5 - 12);
  return query;
}

/// Builds an answer to a query.
class dns_reply {
 public:
  explicit dns_reply(const dns_query& to, int rcode = 0) : to_(to), name_(to.name), rcode_(rcode) {}

  dns_reply& address(const char* text, std::uint32_t ttl = 300) {
    const weir::address of = *weir::address::ip(text, 0);
    const bool is_v4 = of.family() == AF_INET;
    const void* number =
        is_v4 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(of.raw())->sin_addr)
              : &reinterpret_cast<const sockaddr_in6*>(of.raw())->sin6_addr;
    const std::string data(static_cast<const char*>(number), is_v4 ? 4 : 16);
    return record(is_v4 ? type_a : type_aaaa, data, ttl);
  }
  /// What follows is of `target`.
  dns_reply& alias(const char* target, std::uint32_t ttl = 300) {
    record(type_cname, wire_name(target), ttl);
    name_ = target;
    return *this;
  }
  dns_reply& record(std::uint16_t type, std::string_view data, std::uint32_t ttl) {
    records_ += wire_name(name_) + big_endian_16(type) + big_endian_16(1) + big_endian_16(ttl >> 16) +
                big_endian_16(ttl & 0xffff) + big_endian_16(data.size());
    records_ += data;
    ++count_;
    return *this;
  }
  dns_reply& truncated() {
    is_truncated_ = true;
    return *this;
  }
  dns_reply& with_id(std::string id) {
    to_.id = std::move(id);
    return *this;
  }
  operator std::optional<std::string>() const {
    const auto flags = static_cast<std::size_t>(0x8580 | (is_truncated_ ? 0x200 : 0) | rcode_);
    return to_.id + big_endian_16(flags) + big_endian_16(1) + big_endian_16(count_) + std::string(4, '\0') +
           to_.question + records_;
  }

 private:
  dns_query to_;
  std::string name_;
  std::string records_;
  std::size_t count_ = 0;
  int rcode_;
  bool is_truncated_ = false;
};

class dns_server {
 public:
  /// Nothing: no answer.
  using responder = std::function<std::optional<std::string>(const dns_query&)>;

  explicit dns_server(responder to_use) : respond(std::move(to_use)) {
    sockaddr_in any_port{};
    any_port.sin_family = AF_INET;
    any_port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    constexpr int tries = 20; // a number that is free for UDP may be taken for TCP
    for (int i = 0; i < tries && !is_bound_; ++i) {
      udp_ = descriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      tcp_ = descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      ::bind(udp_.get(), reinterpret_cast<const sockaddr*>(&any_port), sizeof any_port);
      where_ = *weir::address::local_of(udp_.get());
      is_bound_ = ::bind(tcp_.get(), where_.raw(), where_.raw_bytes()) == 0 && ::listen(tcp_.get(), 8) == 0;
    }
    EXPECT_TRUE(is_bound_);
  }

  const weir::address& where() const { return where_; }

  /// Until the scope ends.
  task<> serve() { co_await when_all(serve_udp(), serve_tcp()); }

  /// Sends an answer to a query that came over UDP, whenever the test likes.
  void answer(const dns_query& to, const std::optional<std::string>& reply) {
    if (reply)
      ::sendto(udp_.get(), reply->data(), reply->size(), 0, reinterpret_cast<const sockaddr*>(&to.from),
               sizeof(sockaddr_in));
  }

  responder respond;
  std::vector<dns_query> queries; ///< all that came

 private:
  task<> serve_udp() {
    std::array<char, 2048> buffer;
    for (;;) {
      result<> came = co_await readable(udp_.get());
      if (!came) break;
      sockaddr_storage from{};
      socklen_t from_bytes = sizeof from;
      const ssize_t got = ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &from_bytes);
      if (got < 12) continue;
      dns_query query = parse_query({buffer.data(), static_cast<std::size_t>(got)}, false);
      query.from = from;
      queries.push_back(query);
      answer(query, respond(query));
    }
  }

  task<> serve_tcp() {
    for (;;) {
      result<descriptor> client = co_await async_accept(tcp_.get());
      if (!client) break;
      std::array<std::byte, 2048> buffer;
      for (;;) {
        result<std::size_t> got = co_await async_receive(client->get(), buffer);
        if (got.value_or(0) < 14) break; // c-ares sends each query in one piece
        const std::string_view text(reinterpret_cast<const char*>(buffer.data()), *got);
        const dns_query query = parse_query(text.substr(2), true);
        queries.push_back(query);
        const std::optional<std::string> reply = respond(query);
        if (!reply) break;
        const std::string framed = big_endian_16(reply->size()) + *reply;
        std::size_t sent = 0;
        while (sent < framed.size()) {
          result<std::size_t> more =
              co_await async_send(client->get(), std::as_bytes(std::span(framed).subspan(sent)));
          if (!more) break;
          sent += *more;
        }
      }
    }
  }

  descriptor udp_;
  descriptor tcp_;
  weir::address where_;
  bool is_bound_ = false;
};

} // namespace weir::test
