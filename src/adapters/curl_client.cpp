#include "curl_exchange.hpp"
#include "curl_multi.hpp"

#include <weir/adapters/curl_client.hpp>

#include <algorithm>

namespace weir {

std::optional<std::string_view> curl_head::header(std::string_view name) const noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (const auto& [each, value] : headers_) {
    if (std::ranges::equal(each, name, {}, lower, lower)) return value;
  }
  return {};
}

curl_transfer::curl_transfer(semaphore::permit seat, std::unique_ptr<curl_exchange> begun) noexcept
    : seat_(std::move(seat)), exchange_(std::move(begun)) {}
curl_transfer::curl_transfer(curl_transfer&&) noexcept = default;
curl_transfer& curl_transfer::operator=(curl_transfer&&) noexcept = default;
curl_transfer::~curl_transfer() = default;

const curl_head& curl_transfer::head() const noexcept {
  return exchange_->head();
}

task<result<std::string>> curl_transfer::read() {
  return exchange_->read(); // a coroutine of what does not move
}

curl_client::curl_client(const curl_client_options& options)
    : options_(options), seats_(std::max<std::size_t>(options.transfers_max, 1)),
      multi_(std::make_unique<curl_multi>(options.connections_idle_max)) {}
curl_client::~curl_client() = default;

task<result<curl_transfer>> curl_client::open(curl_request what) {
  result<semaphore::permit> seat = co_await seats_.acquire();
  if (!seat) co_return fail(std::move(seat).error());
  auto exchange = std::make_unique<curl_exchange>(*multi_, std::move(what), options_);
  result<> begun = co_await exchange->begin();
  if (!begun) co_return fail(std::move(begun).error());
  co_return curl_transfer(std::move(*seat), std::move(exchange));
}

task<result<curl_response>> curl_client::fetch(curl_request what) {
  const std::string url = without_secrets(what.url);
  result<curl_transfer> transfer = co_await open(std::move(what));
  if (!transfer) co_return fail(std::move(transfer).error());
  std::string body;
  for (;;) {
    result<std::string> piece = co_await transfer->read();
    if (!piece) co_return fail(std::move(piece).error());
    if (piece->empty()) break;
    if (body.size() + piece->size() > options_.body_bytes_max)
      co_return fail(error(errc::limit_reached, "fetch: body_bytes_max").at(url));
    body += *piece;
  }
  co_return curl_response(transfer->head(), std::move(body));
}

} // namespace weir
