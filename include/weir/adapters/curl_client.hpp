// curl_client: HTTP requests by libcurl (its multi interface, hung on watches and a timer of the loop), each
// a coroutine.
//
//   curl_client web;
//   result<curl_response> page = co_await web.fetch(curl_request("https://example.org/"));
//
//   result<curl_transfer> file = co_await web.open(curl_request(url)); // until its headers are there
//   for (;;) { result<std::string> piece = co_await file->read(); … } // empty at the end
//
// Backpressure: a transfer whose pieces nobody takes is paused above `buffered_bytes_max`, and its peer sees
// the window close. Connections are kept and used again by libcurl. Cancellation and deadlines: the transfer
// ends at once, and with HTTP/1 its connection. Errors: curl_error.hpp; a body above its bound is
// errc::limit_reached; a socket that cannot be watched ends all
// transfers that are under way (std::errc::not_enough_memory). Names are resolved by libcurl, with Debian's
// build in a thread for each resolution. Only http and https are spoken, redirects are followed only where
// the request says so.
//
// curl_global_init is called once, when the first client is made, and never undone: a program that calls it
// itself, because it starts threads that use libcurl otherwise, does so before. Thread rule: the loop's
// thread, one client a loop. Lifetime: stays where it is; outlives its transfers (asserted), the loop
// outlives it. Bound: `transfers_max` at once, further ones stand in line; a response's headers at most 256
// KiB. Source: libcurl-multi(3), curl_easy_pause(3).
#pragma once

#include <weir/adapters/curl_error.hpp>
#include <weir/async/semaphore.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

struct curl_client_options {
  curl_client_options() noexcept {}

  std::size_t transfers_max = 100;
  std::size_t body_bytes_max = std::size_t{16} << 20;      ///< of a response that is held whole
  std::size_t buffered_bytes_max = std::size_t{256} << 10; ///< of a transfer, before it is paused
  long connections_idle_max = 20;                          ///< kept for the next request
  std::string certificate_file;                            ///< whom to trust; empty: whom the system trusts
};

struct curl_request {
  explicit curl_request(std::string to, std::string verb = "GET")
      : url(std::move(to)), method(std::move(verb)) {}

  std::string url;
  std::string method;
  std::vector<std::string> headers; ///< "Name: value"
  std::string body;
  unsigned redirects_max = 0;
};

/// What stands in front of the body.
class curl_head {
 public:
  int status() const noexcept { return status_; }
  /// The first of that name, whatever its case; nothing where there is none.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  const std::vector<std::pair<std::string, std::string>>& headers() const noexcept { return headers_; }

 private:
  friend class curl_exchange;
  int status_ = 0;
  std::vector<std::pair<std::string, std::string>> headers_;
};

struct curl_response {
  curl_response(curl_head in_front, std::string whole) : head(std::move(in_front)), body(std::move(whole)) {}

  curl_head head;
  std::string body;
};

class curl_multi;
class curl_exchange;

/// A response whose body is still coming. Destroying it ends the transfer. One `read` at a time.
class curl_transfer {
 public:
  curl_transfer(curl_transfer&&) noexcept;
  curl_transfer& operator=(curl_transfer&&) noexcept;
  ~curl_transfer();

  const curl_head& head() const noexcept;
  /// What has come since the last time; empty at the end. Cancelled, it took nothing.
  task<result<std::string>> read();

 private:
  friend class curl_client;
  curl_transfer(semaphore::permit seat, std::unique_ptr<curl_exchange> begun) noexcept;

  semaphore::permit seat_;
  std::unique_ptr<curl_exchange> exchange_;
};

class curl_client {
 public:
  /// Precondition: on a loop.
  explicit curl_client(const curl_client_options& options = curl_client_options());
  ~curl_client();
  curl_client(const curl_client&) = delete;
  curl_client& operator=(const curl_client&) = delete;

  task<result<curl_response>> fetch(curl_request what);
  task<result<curl_transfer>> open(curl_request what);

  std::size_t transfers() const noexcept { return seats_.permits() - seats_.available(); }

 private:
  curl_client_options options_;
  semaphore seats_;
  std::unique_ptr<curl_multi> multi_;
};

} // namespace weir
