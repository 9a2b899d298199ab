// ring: a first-in first-out queue in one array. It grows by doubling when it is full and keeps what it has
// grown to, so that a queue whose length its user bounds allocates nothing in steady state. An empty new ring
// holds no memory.
//
// Thread rule: not synchronised. Bound: the user's; push may throw std::bad_alloc and then changes nothing.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>

namespace weir {

template <class T>
class ring {
 public:
  ring() = default;
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring() {
    clear();
    if (elements_) std::allocator<T>().deallocate(elements_, capacity_);
  }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  /// Below so many elements a push allocates nothing.
  std::size_t capacity() const noexcept { return capacity_; }
  T& front() noexcept { return (*this)[0]; }
  T& back() noexcept { return (*this)[size_ - 1]; }
  T& operator[](std::size_t index) noexcept {
    assert(index < size_);
    return elements_[(first_ + index) & (capacity_ - 1)];
  }
  const T& operator[](std::size_t index) const noexcept { return const_cast<ring&>(*this)[index]; }

  /// The next `count` pushes allocate nothing.
  void reserve(std::size_t count) {
    while (capacity_ - size_ < count) grow();
  }

  void swap(ring& other) noexcept {
    std::swap(elements_, other.elements_);
    std::swap(capacity_, other.capacity_);
    std::swap(first_, other.first_);
    std::swap(size_, other.size_);
  }

  void push_back(T&& element) {
    if (size_ == capacity_) [[unlikely]]
      grow();
    push_back_in_place(std::move(element));
  }
  /// Precondition: size() < capacity().
  void push_back_in_place(T&& element) noexcept {
    assert(size_ < capacity_);
    std::construct_at(&elements_[(first_ + size_) & (capacity_ - 1)], std::move(element));
    ++size_;
  }

  void push_front(T&& element) {
    if (size_ == capacity_) grow();
    first_ = (first_ + capacity_ - 1) & (capacity_ - 1);
    std::construct_at(&elements_[first_], std::move(element));
    ++size_;
  }

  T pop_front() noexcept {
    T element = std::move(front());
    std::destroy_at(&front());
    first_ = (first_ + 1) & (capacity_ - 1);
    --size_;
    return element;
  }

  /// The oldest `count` elements go.
  void drop_front(std::size_t count) noexcept {
    assert(count <= size_);
    for (std::size_t i = 0; i < count; ++i) std::destroy_at(&(*this)[i]);
    first_ = (first_ + count) & (capacity_ - 1);
    size_ -= count;
  }

  T pop_back() noexcept {
    T element = std::move(back());
    std::destroy_at(&back());
    --size_;
    return element;
  }

  void clear() noexcept {
    while (!empty()) pop_front();
  }

 private:
  [[gnu::noinline]] void grow() {
    const std::size_t capacity = capacity_ ? capacity_ * 2 : 4;
    T* elements = std::allocator<T>().allocate(capacity);
    for (std::size_t i = 0; i < size_; ++i) {
      std::construct_at(&elements[i], std::move((*this)[i]));
      std::destroy_at(&(*this)[i]);
    }
    if (elements_) std::allocator<T>().deallocate(elements_, capacity_);
    elements_ = elements;
    capacity_ = capacity;
    first_ = 0;
  }

  T* elements_ = nullptr;
  std::size_t capacity_ = 0; ///< zero or a power of two
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

} // namespace weir
