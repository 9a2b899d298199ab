// The examples of docs/databases.md that need libcurl, as they stand there; docs_test.py compares.
#pragma once

#include <weir/adapters/curl_client.hpp>

#include <string>
#include <utility>

namespace weir::test {
namespace {

task<result<std::size_t>> size_of_page(curl_client& web, std::string url) {
  result<curl_transfer> page = co_await web.open(curl_request(std::move(url)));
  if (!page) co_return fail(page.error()); // "fetch http://host/path (…): Couldn't connect to server"
  std::size_t size = 0;
  for (;;) {
    result<std::string> piece = co_await page->read();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return size;
    size += piece->size(); // while nobody reads, the peer waits
  }
}

} // namespace
} // namespace weir::test
