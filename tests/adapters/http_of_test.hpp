// A small HTTP/1.1 server on the loop of the test: what is answered is up to a function of the test.
#pragma once

#include <weir/async/nursery.hpp>
#include <weir/async/task.hpp>
#include <weir/net/listener.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace weir::test {

class http_of_test {
 public:
  /// `handler(request, client)` writes the answer. The request is whole, with head and body.
  using handler = std::function<task<>(const std::string& request, stream& client)>;

  explicit http_of_test(handler answers)
      : answers_(std::move(answers)), door_(listener::bind(address::ip("127.0.0.1", 0).value()).value()),
        clients_(nursery_options(100, nursery_policy::isolate)) {
    (void)clients_.try_spawn(admit());
  }

  std::string url(std::string_view path = "/") const {
    return "http://" + door_.local_address().to_string() + std::string(path);
  }
  std::size_t connections() const { return connections_; }

  task<> stop() {
    clients_.cancel();
    [[maybe_unused]] result<> joined = co_await clients_.join();
    door_ = listener();
  }

  static std::string answer(std::string_view body, std::string_view head = "HTTP/1.1 200 OK\r\n") {
    return std::string(head) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
  }
  static task<> write(stream& client, std::string text) {
    (void)co_await client.write_all(std::as_bytes(std::span(text)));
  }

 private:
  task<> admit() {
    for (;;) {
      result<stream> client = co_await door_.accept();
      if (!client) co_return;
      ++connections_;
      (void)clients_.try_spawn(serve(std::move(*client)));
    }
  }

  task<> serve(stream client) {
    std::string unread;
    for (;;) {
      std::optional<std::size_t> size = size_of_request(unread);
      while (!size || unread.size() < *size) {
        result<lease> more = co_await client.read();
        if (!more || more->empty()) co_return;
        unread.append(reinterpret_cast<const char*>(more->data()), more->size());
        size = size_of_request(unread);
      }
      const std::string request = unread.substr(0, *size);
      unread.erase(0, *size);
      co_await answers_(request, client);
    }
  }

  static std::optional<std::size_t> size_of_request(const std::string& text) {
    const std::size_t end_of_head = text.find("\r\n\r\n");
    if (end_of_head == std::string::npos) return {};
    const std::size_t length = text.find("Content-Length: ");
    const bool has_body = length < end_of_head;
    return end_of_head + 4 + (has_body ? std::stoul(text.substr(length + 16)) : 0);
  }

  handler answers_;
  listener door_;
  nursery clients_;
  std::size_t connections_ = 0;
};

} // namespace weir::test
