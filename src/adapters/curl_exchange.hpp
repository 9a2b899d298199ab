// curl_exchange: one request and its response, as libcurl's call-backs tell of it.
//
// Lifetime: stays where it is; ends the transfer when it dies. Thread rule: the loop's thread.
#pragma once

#include "curl_multi.hpp"

#include <weir/adapters/curl_client.hpp>
#include <weir/async/event.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

class curl_exchange : public list_hook<> {
 public:
  curl_exchange(curl_multi& on, curl_request what, const curl_client_options& options);
  ~curl_exchange();
  curl_exchange(const curl_exchange&) = delete;
  curl_exchange& operator=(const curl_exchange&) = delete;

  /// Until the headers of the last response (behind redirects) are there.
  task<result<>> begin();
  task<result<std::string>> read();
  const curl_head& head() const noexcept { return head_; }

  /// Told by the multi handle. What is told first holds.
  void ended(CURLcode how) noexcept;

 private:
  static std::size_t on_header(char* text, std::size_t, std::size_t size, void* self) noexcept;
  static std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* self) noexcept;
  void take_header(std::string_view line);
  void describe_request();
  void go_on() noexcept;
  bool is_last_response() const noexcept;
  error failure() const;

  struct cleanup {
    void operator()(CURL* unwanted) const noexcept { ::curl_easy_cleanup(unwanted); }
    void operator()(curl_slist* unwanted) const noexcept { ::curl_slist_free_all(unwanted); }
  };

  curl_multi& multi_;
  curl_request request_;
  std::size_t buffered_max_;
  std::unique_ptr<curl_slist, cleanup> headers_;
  std::array<char, CURL_ERROR_SIZE> words_{}; ///< of libcurl, about the failure
  std::unique_ptr<CURL, cleanup> easy_;
  curl_head head_;
  std::size_t head_bytes_ = 0;
  std::string arrived_;
  std::optional<CURLcode> ended_;
  event changed_{event_reset::automatic};
  bool has_head_ = false;
  bool is_paused_ = false;
  bool is_added_ = false;
  bool is_out_of_memory_ = false;
};

} // namespace weir
