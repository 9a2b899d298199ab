#include "redis_reader.hpp"

#include <new>
#include <utility>

namespace weir {
namespace {

redis_type type_of_text(int hiredis_type) noexcept {
  if (hiredis_type == REDIS_REPLY_ERROR) return redis_type::error;
  return hiredis_type == REDIS_REPLY_STATUS ? redis_type::status : redis_type::text;
}

} // namespace

/// hiredis builds a reply from the outside in: an element joins its array, which waits on the parser's stack.
void* redis_reader::put(const redisReadTask* task, redis_reply&& value) noexcept {
  try {
    if (!task->parent) return new redis_reply(std::move(value));
    auto& array = *static_cast<redis_reply*>(task->parent->obj);
    return &array.elements_.emplace_back(std::move(value));
  } catch (const std::bad_alloc&) {
    return nullptr; // the parser gives up
  }
}

redisReplyObjectFunctions& redis_reader::functions() noexcept {
  static redisReplyObjectFunctions table = [] {
    redisReplyObjectFunctions made{};
    made.createString = [](const redisReadTask* task, char* text, std::size_t size) -> void* {
      try {
        return put(task, redis_reply(type_of_text(task->type), std::string(text, size)));
      } catch (const std::bad_alloc&) {
        return nullptr;
      }
    };
    made.createArray = [](const redisReadTask* task, auto elements) -> void* {
      if (std::cmp_less(elements, 0)) return nullptr;
      return put(task, redis_reply(std::vector<redis_reply>()));
    };
    made.createInteger = [](const redisReadTask* task, long long number) -> void* {
      return put(task, redis_reply(std::int64_t{number}));
    };
    made.createNil = [](const redisReadTask* task) -> void* { return put(task, redis_reply()); };
    made.freeObject = [](void* unwanted) { delete static_cast<redis_reply*>(unwanted); };
    return made;
  }();
  return table;
}

redis_reader::redis_reader(std::size_t reply_bytes_max)
    : reader_(::redisReaderCreateWithFunctions(&functions())), bytes_max_(reply_bytes_max) {
  if (!reader_) throw std::bad_alloc();
}

result<> redis_reader::feed(std::span<const std::byte> bytes) {
  bytes_of_reply_ += bytes.size();
  if (bytes_of_reply_ > bytes_max_) return fail(errc::limit_reached, "command: reply_bytes_max");
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  if (::redisReaderFeed(reader_.get(), text, bytes.size()) != 0)
    return fail(std::errc::not_enough_memory, "command");
  return {};
}

result<std::optional<redis_reply>> redis_reader::next() {
  void* whole = nullptr;
  if (::redisReaderGetReply(reader_.get(), &whole) != 0) {
    if (reader_->err == REDIS_ERR_OOM) return fail(std::errc::not_enough_memory, "command");
    return fail(errc::protocol, "command: not a reply of Redis");
  }
  if (!whole) return std::optional<redis_reply>();
  const std::unique_ptr<redis_reply> owned(static_cast<redis_reply*>(whole));
  bytes_of_reply_ = reader_->len - reader_->pos;
  return std::optional<redis_reply>(std::move(*owned));
}

} // namespace weir
