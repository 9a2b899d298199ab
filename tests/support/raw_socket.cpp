#include <weir/async/operations.hpp>
#include <weir/io/system_calls.hpp>

#include <gtest/gtest.h>
#include <support/raw_socket.hpp>

#include <algorithm>
#include <array>

namespace weir::test {

task<raw_socket> raw_socket::connect(address to) {
  descriptor socket = open_socket(to.is_unix() ? transport::local : transport::tcp);
  result<> connected = co_await async_connect(socket.get(), to.raw(), to.raw_bytes());
  EXPECT_TRUE(connected || connected.error().is_cancelled()) << connected.error().message();
  co_return raw_socket(std::move(socket));
}

task<raw_socket> raw_socket::accept(const listening_socket& from) {
  result<descriptor> accepted = co_await async_accept(from.socket.get());
  EXPECT_TRUE(accepted || accepted.error().is_cancelled()) << accepted.error().message();
  if (!accepted) co_return raw_socket();
  co_return raw_socket(std::move(*accepted));
}

task<std::size_t> raw_socket::try_send(std::string_view text) {
  std::size_t done = 0;
  bool goes_on = true;
  while (goes_on && done < text.size()) {
    result<std::size_t> sent = co_await async_send(number(), std::as_bytes(std::span(text.substr(done))));
    goes_on = sent.has_value();
    done += sent.value_or(0);
  }
  co_return done;
}

task<> raw_socket::send(std::string_view text) {
  const std::size_t sent = co_await try_send(text);
  EXPECT_EQ(sent, text.size()) << "the peer takes no more";
}

task<std::string> raw_socket::read(std::size_t size) {
  std::string text;
  std::array<std::byte, 16384> buffer;
  bool goes_on = true;
  while (goes_on && text.size() < size) {
    const auto into = std::span(buffer).first(std::min(size - text.size(), buffer.size()));
    result<std::size_t> count = co_await async_receive(number(), into);
    goes_on = count.value_or(0) > 0;
    text.append(reinterpret_cast<const char*>(buffer.data()), count.value_or(0));
  }
  co_return text;
}

task<std::string> raw_socket::read_to_end() {
  return read(std::string::npos);
}

void raw_socket::end() noexcept {
  EXPECT_EQ(calls().shutdown(number(), SHUT_WR), 0);
}

void raw_socket::reset() noexcept {
  const linger at_once{1, 0};
  EXPECT_EQ(calls().setsockopt(number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  close();
}

} // namespace weir::test
