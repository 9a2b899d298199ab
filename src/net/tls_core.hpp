// The engine of a tls_stream and its carrier, and who of the two waits for the other.
#pragma once

#include "tls_context_state.hpp"
#include "tls_engine.hpp"
#include "tls_session_store.hpp"

#include <weir/async/event.hpp>
#include <weir/io/loop.hpp>
#include <weir/net/address.hpp>
#include <weir/net/tls_stream.hpp>

#include <cassert>

namespace weir {

class tls_stream::core {
 public:
  /// For one side of a connection that has not begun.
  static result<std::unique_ptr<core>> make(any_byte_stream carrier, const tls_context& as);
  /// Of a client, before the handshake: whom it expects, and the session that it may resume.
  result<> expect(const tls_connect_options& options);

  task<result<>> handshake();
  task<result<std::size_t>> read_some(std::span<std::byte> into);
  task<result<lease>> read();
  task<result<std::size_t>> write(std::span<const std::byte> bytes);
  task<result<>> flush();
  task<result<>> shutdown();
  task<result<>> close();
  result<> update_keys();

  SSL* ssl() const noexcept { return engine_.ssl(); }
  const std::string& remote_name() const noexcept { return remote_name_; }
  std::size_t unsent_bytes() const noexcept { return engine_.output().bytes(); }

  core(loop& home, any_byte_stream carrier, ssl_ptr made, std::shared_ptr<const tls_context::state> settings);
  ~core() { assert(!is_reading_ && !is_writing_ && "a tls_stream was destroyed under a call"); }

 private:
  /// Marks that a task is in one of the calls of which there may be one at a time.
  class sole_use {
   public:
    explicit sole_use(bool& taken, event* over = nullptr) noexcept : taken_(taken), over_(over) {
      assert(!taken_ && "one task reads, and one writes, at a time");
      taken_ = true;
    }
    ~sole_use() {
      taken_ = false;
      if (over_) over_->set();
    }
    sole_use(const sole_use&) = delete;
    sole_use& operator=(const sole_use&) = delete;

   private:
    bool& taken_;
    event* over_; ///< set then, whatever ended it
  };

  result<std::optional<std::size_t>> decrypt(std::span<std::byte> into);
  result<std::optional<lease>> decrypt_slot();
  task<result<>> fetch();
  task<result<>> answer();
  task<result<>> drain();
  result<> checked() const;
  std::unexpected<error> failure(error reason) const;

  loop& home_;
  any_byte_stream carrier_;
  std::shared_ptr<const tls_context::state>
      settings_; ///< outlives the engine, whose callbacks read and replace it
  tls_session_sink sessions_;
  tls_engine engine_;
  std::string remote_name_;
  std::optional<error> read_error_; ///< comes again
  event drained_{event_reset::manual};
  std::size_t answers_bytes_ = 0; ///< what reading has made us say, since nothing was unsent
  bool is_reading_ = false;
  bool is_writing_ = false;
  bool carrier_is_in_use_ = false; ///< somebody writes to it or flushes it
  bool is_shut_ = false;           ///< we have said that no more will come
  bool carrier_has_ended_ = false;
};

} // namespace weir
