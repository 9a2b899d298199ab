#include "curl_exchange.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t head_bytes_max = std::size_t{256} << 10;

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

} // namespace

curl_exchange::curl_exchange(curl_multi& on, curl_request what, const curl_client_options& options)
    : multi_(on), request_(std::move(what)), buffered_max_(options.buffered_bytes_max),
      easy_(::curl_easy_init()) {
  if (!easy_) throw std::bad_alloc();
  CURL* const easy = easy_.get();
  ::curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
  ::curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words_.data());
  ::curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); // those of a proxy are no response
  ::curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &curl_exchange::on_header);
  ::curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &curl_exchange::on_body);
  ::curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  if (!options.certificate_file.empty())
    ::curl_easy_setopt(easy, CURLOPT_CAINFO, options.certificate_file.c_str());
  describe_request();
}

void curl_exchange::describe_request() {
  CURL* const easy = easy_.get();
  ::curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  ::curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, request_.redirects_max > 0 ? 1L : 0L);
  ::curl_easy_setopt(easy, CURLOPT_MAXREDIRS, static_cast<long>(request_.redirects_max));
  const std::string& method = request_.method;
  const bool has_body = !request_.body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
  if (has_body) {
    ::curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    ::curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data()); // not copied
  }
  if (method == "HEAD")
    ::curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  else if (has_body || method != "GET")
    ::curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
  for (const std::string& each : request_.headers) {
    curl_slist* const longer = ::curl_slist_append(headers_.get(), each.c_str());
    if (!longer) throw std::bad_alloc();
    (void)headers_.release();
    headers_.reset(longer);
  }
  ::curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
}

curl_exchange::~curl_exchange() {
  if (is_added_) multi_.remove(easy_.get(), *this);
}

task<result<>> curl_exchange::begin() {
  if (multi_.add(easy_.get(), *this) != CURLM_OK) co_return fail(std::errc::not_enough_memory, "fetch");
  is_added_ = true;
  while (!has_head_ && !ended_) {
    result<> woken = co_await changed_.wait();
    if (!woken) co_return woken;
  }
  if (!has_head_ && ended_ != CURLE_OK) co_return fail(failure());
  co_return result<>();
}

task<result<std::string>> curl_exchange::read() {
  for (;;) {
    if (!arrived_.empty()) {
      std::string piece = std::exchange(arrived_, {});
      if (std::exchange(is_paused_, false)) go_on();
      co_return piece;
    }
    if (ended_ == CURLE_OK) co_return std::string();
    if (ended_) co_return fail(failure());
    result<> woken = co_await changed_.wait();
    if (!woken) co_return fail(std::move(woken).error());
  }
}

/// Tells of what libcurl kept, and of more.
void curl_exchange::go_on() noexcept {
  const CURLcode outcome = ::curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
  if (outcome != CURLE_OK) ended(outcome); // what it kept is lost
}

void curl_exchange::ended(CURLcode how) noexcept {
  if (ended_) return;
  ended_ = how;
  changed_.set();
}

error curl_exchange::failure() const {
  if (is_out_of_memory_) return error(std::errc::not_enough_memory, "fetch");
  std::string where = without_secrets(request_.url);
  if (words_.front()) where += std::string(" (") + words_.data() + ")";
  return error(std::error_code(*ended_, curl_category()), "fetch").at(where);
}

// ---- What libcurl tells: within its calls, so that nothing of it may be called ----

std::size_t curl_exchange::on_header(char* text, std::size_t, std::size_t size, void* self) noexcept {
  auto& me = *static_cast<curl_exchange*>(self);
  me.head_bytes_ += size;
  if (me.head_bytes_ > head_bytes_max) return 0; // CURLE_WRITE_ERROR
  try {
    me.take_header({text, size});
  } catch (const std::bad_alloc&) {
    me.is_out_of_memory_ = true;
    return 0;
  }
  return size;
}

void curl_exchange::take_header(std::string_view line) {
  if (line.starts_with("HTTP/")) {
    head_ = curl_head();
    return;
  }
  if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    head_.headers_.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
    return;
  }
  if (!trimmed(line).empty()) return;
  long status = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status); // allowed here
  head_.status_ = static_cast<int>(status);
  if (!is_last_response()) return;
  has_head_ = true;
  changed_.set();
}

bool curl_exchange::is_last_response() const noexcept {
  const int kind = head_.status_ / 100;
  const bool is_redirected = kind == 3 && request_.redirects_max > 0 && head_.header("location");
  return kind != 1 && !is_redirected;
}

std::size_t curl_exchange::on_body(char* bytes, std::size_t, std::size_t size, void* self) noexcept {
  auto& me = *static_cast<curl_exchange*>(self);
  if (!me.has_head_) return size; // of a response that redirects
  if (!me.arrived_.empty() && me.arrived_.size() + size > me.buffered_max_) {
    me.is_paused_ = true;
    return CURL_WRITEFUNC_PAUSE; // libcurl keeps these bytes, and tells of them again
  }
  try {
    me.arrived_.append(bytes, size);
  } catch (const std::bad_alloc&) {
    me.is_out_of_memory_ = true;
    return 0;
  }
  me.changed_.set();
  return size;
}

} // namespace weir
