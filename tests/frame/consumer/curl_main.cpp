// There is no server: that is what it is told.
#include <weir/adapters/curl_client.hpp>
#include <weir/async/run.hpp>

weir::task<bool> ask_nobody() {
  weir::curl_client web;
  auto answer = co_await web.open(weir::curl_request("http://127.0.0.1:1/"));
  co_return !answer;
}

int main() {
  auto loop = weir::loop::create();
  return loop && weir::run(**loop, ask_nobody()) ? 0 : 1;
}
