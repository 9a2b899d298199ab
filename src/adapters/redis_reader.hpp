// redis_reader: makes replies of bytes, by hiredis' parser, straight into redis_reply.
//
// Bound: a reply of more than `reply_bytes_max` is errc::limit_reached; memory is used for what has arrived,
// not for what a length promises. After an error nothing more comes.
#pragma once

#include <weir/adapters/redis_reply.hpp>
#include <weir/base/result.hpp>

#include <hiredis/read.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

namespace weir {

class redis_reader {
 public:
  explicit redis_reader(std::size_t reply_bytes_max);

  /// The bytes are copied.
  result<> feed(std::span<const std::byte> bytes);
  /// The next whole reply; nothing when bytes are missing.
  result<std::optional<redis_reply>> next();

 private:
  static redisReplyObjectFunctions& functions() noexcept;
  static void* put(const redisReadTask* task, redis_reply&& value) noexcept;

  struct release {
    void operator()(redisReader* unwanted) const noexcept { ::redisReaderFree(unwanted); }
  };
  std::unique_ptr<redisReader, release> reader_;
  std::size_t bytes_max_;
  std::size_t bytes_of_reply_ = 0; ///< fed since the last whole one
};

} // namespace weir
