#include <weir/async/frame_pool.hpp>

#include <array>
#include <cassert>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define WEIR_POISONS_FREE_FRAMES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_POISONS_FREE_FRAMES 1
#endif
#endif

#ifdef WEIR_POISONS_FREE_FRAMES
#include <sanitizer/asan_interface.h>
#endif

namespace weir::frame_pool {
namespace {

struct free_frame {
  free_frame* next;
};

struct free_list {
  free_frame* first = nullptr;
  std::size_t count = 0;
};

// Trivially destructible on purpose: frames may still be freed while the other thread-local objects of an
// ending thread are being destroyed.
struct thread_state {
  std::array<free_list, class_count> lists{};
  std::size_t live = 0;
  std::size_t kept_bytes = 0;
  bool is_ending = false;
};

constinit thread_local thread_state state;

struct trim_at_thread_exit {
  ~trim_at_thread_exit() {
    state.is_ending = true;
    trim();
  }
};

constexpr std::size_t class_of(std::size_t size_bytes) noexcept {
  return (size_bytes + malloc_header_bytes - 1) / class_bytes;
}
constexpr std::size_t bytes_of(std::size_t size_class) noexcept {
  return (size_class + 1) * class_bytes - malloc_header_bytes;
}

// A kept frame must not hide a use after its end from AddressSanitizer.
void poison([[maybe_unused]] void* frame, [[maybe_unused]] std::size_t size_bytes) noexcept {
#ifdef WEIR_POISONS_FREE_FRAMES
  __asan_poison_memory_region(frame, size_bytes);
#endif
}
void unpoison([[maybe_unused]] void* frame, [[maybe_unused]] std::size_t size_bytes) noexcept {
#ifdef WEIR_POISONS_FREE_FRAMES
  __asan_unpoison_memory_region(frame, size_bytes);
#endif
}

void* pop(std::size_t size_class) noexcept {
  free_list& list = state.lists[size_class];
  free_frame* frame = list.first;
  unpoison(frame, bytes_of(size_class));
  list.first = frame->next;
  --list.count;
  state.kept_bytes -= bytes_of(size_class);
  return frame;
}

} // namespace

void* allocate(std::size_t size_bytes) {
  const std::size_t size_class = class_of(size_bytes);
  void* frame = nullptr;
  if (size_class >= class_count)
    frame = ::operator new(size_bytes);
  else if (state.lists[size_class].first)
    frame = pop(size_class);
  else
    frame = ::operator new(bytes_of(size_class));
  ++state.live;
  return frame;
}

void deallocate(void* frame, std::size_t size_bytes) noexcept {
  assert(state.live > 0 && "a coroutine frame is freed on another thread than the one that made it");
  --state.live;
  const std::size_t size_class = class_of(size_bytes);
  if (size_class >= class_count) return ::operator delete(frame, size_bytes);

  free_list& list = state.lists[size_class];
  if (state.is_ending || (list.count + 1) * bytes_of(size_class) > kept_bytes_per_class_max)
    return ::operator delete(frame, bytes_of(size_class));
  [[maybe_unused]] static thread_local trim_at_thread_exit trimmer;
  list.first = new (frame) free_frame{list.first};
  ++list.count;
  state.kept_bytes += bytes_of(size_class);
  poison(frame, bytes_of(size_class));
}

void trim() noexcept {
  for (std::size_t size_class = 0; size_class < class_count; ++size_class)
    while (state.lists[size_class].first) ::operator delete(pop(size_class), bytes_of(size_class));
}

std::size_t frames_live() noexcept {
  return state.live;
}

std::size_t kept_bytes() noexcept {
  return state.kept_bytes;
}

} // namespace weir::frame_pool
