// What a transfer of libcurl needs fails once at each place, in libcurl's own calls too.
#include <weir/adapters/curl_client.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <support/child.hpp>
#include <support/exhaustion.hpp>
#include <support/sockets.hpp>

#include <cstdlib>
#include <string>

namespace weir::test {
namespace {

constexpr std::size_t page_bytes = 600'000; // more than is buffered: the transfer pauses

/// Answers every request with the same page, in a process of its own.
class page_elsewhere {
 public:
  page_elsewhere()
      : listening_(listen_on(transport::tcp)), server_([this]() -> std::string {
          for (;;) serve_one();
        }) {}
  std::string url() const {
    const auto& at = reinterpret_cast<const sockaddr_in&>(listening_.address);
    return "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/";
  }

 private:
  void serve_one() const {
    const descriptor client(::accept4(listening_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    std::string request;
    char piece[1024];
    for (ssize_t got = 1; got > 0 && request.find("\r\n\r\n") == std::string::npos;) {
      got = ::recv(client.get(), piece, sizeof piece, 0);
      if (got > 0) request.append(piece, static_cast<std::size_t>(got));
    }
    const std::string page =
        "HTTP/1.0 200 OK\r\nContent-Length: " + std::to_string(page_bytes) + "\r\n\r\n" + pattern(page_bytes);
    for (std::size_t sent = 0; sent < page.size();) {
      const ssize_t more = ::send(client.get(), page.data() + sent, page.size() - sent, MSG_NOSIGNAL);
      if (more <= 0) break;
      sent += static_cast<std::size_t>(more);
    }
  }

  listening_socket listening_;
  child_process server_;
};

using curl_exhaustion = exhaustion_test;

task<result<>> fetch_a_page(const std::string& url) {
  curl_client web;
  result<curl_response> page = co_await web.fetch(curl_request(url));
  if (!page) co_return fail(page.error());
  EXPECT_EQ(page->body.size(), page_bytes);
  co_return result<>();
}

TEST_P(curl_exhaustion, of_a_transfer_is_an_error) {
  ::setenv("no_proxy", "*", 1); // libcurl asks the environment
  const page_elsewhere server;
  const std::string url = server.url();
  fail_each_step_of([&] { return within_patience(fetch_a_page(url)); });
}

INSTANTIATE_TEST_SUITE_P(each, curl_exhaustion,
                         each_of(fault_kind::allocation, fault_kind::system_call, fault_kind::operation),
                         name_of_fault);

} // namespace
} // namespace weir::test
