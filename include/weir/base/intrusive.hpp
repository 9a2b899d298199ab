// Intrusive containers: the element carries its own links, so inserting and removing never allocates and
// never fails.
//
// Thread rule: none of these is synchronised. Lifetime: an element must outlive its membership; neither
// container owns.
#pragma once

#include <cassert>
#include <cstddef>
#include <utility>

namespace weir {

/// A first-in first-out queue through one pointer of the element. O(1), but for `remove`.
template <class T, T* T::* Next>
class intrusive_queue {
 public:
  intrusive_queue() = default;
  intrusive_queue(intrusive_queue&& other) noexcept
      : head_(std::exchange(other.head_, nullptr)), tail_(std::exchange(other.tail_, nullptr)) {}
  intrusive_queue& operator=(intrusive_queue&& other) noexcept {
    assert(empty());
    head_ = std::exchange(other.head_, nullptr);
    tail_ = std::exchange(other.tail_, nullptr);
    return *this;
  }

  bool empty() const noexcept { return head_ == nullptr; }
  T* front() const noexcept { return head_; }

  void push_back(T& element) noexcept {
    element.*Next = nullptr;
    (tail_ ? tail_->*Next : head_) = &element;
    tail_ = &element;
  }

  void push_front(T& element) noexcept {
    element.*Next = head_;
    head_ = &element;
    if (!tail_) tail_ = &element;
  }

  T* pop_front() noexcept {
    T* element = head_;
    if (element) {
      head_ = std::exchange(element->*Next, nullptr);
      if (!head_) tail_ = nullptr;
    }
    return element;
  }

  /// Takes everything out of `other` and puts it behind what is here.
  void splice_back(intrusive_queue& other) noexcept {
    if (other.empty()) return;
    (tail_ ? tail_->*Next : head_) = other.head_;
    tail_ = other.tail_;
    other.head_ = other.tail_ = nullptr;
  }

  bool has_at_most_one() const noexcept { return head_ == tail_; }

  /// O(n): for the rare removal of a waiting element, such as a cancelled one.
  bool remove(T& element) noexcept {
    T* before = nullptr;
    for (T* at = head_; at; before = at, at = at->*Next) {
      if (at != &element) continue;
      (before ? before->*Next : head_) = at->*Next;
      if (tail_ == at) tail_ = before;
      at->*Next = nullptr;
      return true;
    }
    return false;
  }

 private:
  T* head_ = nullptr;
  T* tail_ = nullptr;
};

template <class T, class Tag = void>
class intrusive_list;

/// Base class of an element of an intrusive_list<T, Tag>. `Tag` lets one element be on several lists.
template <class Tag = void>
class list_hook {
 public:
  list_hook() = default;
  list_hook(const list_hook&) = delete;
  list_hook& operator=(const list_hook&) = delete;
  ~list_hook() { assert(!is_linked() && "an element was destroyed while it is on a list"); }

  bool is_linked() const noexcept { return next_ != nullptr; }

  /// Leaves whatever list it is on; does nothing when on none.
  void unlink() noexcept {
    if (!next_) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = nullptr;
  }

 private:
  template <class, class>
  friend class intrusive_list;
  list_hook* previous_ = nullptr;
  list_hook* next_ = nullptr;
};

/// A circular doubly linked list: O(1) removal from anywhere by `element.unlink()`.
template <class T, class Tag>
class intrusive_list {
  using hook = list_hook<Tag>;

 public:
  intrusive_list() noexcept { head_.previous_ = head_.next_ = &head_; }
  intrusive_list(const intrusive_list&) = delete;
  intrusive_list& operator=(const intrusive_list&) = delete;
  ~intrusive_list() {
    assert(empty() && "a list was destroyed with elements on it");
    head_.previous_ = head_.next_ = nullptr;
  }

  bool empty() const noexcept { return head_.next_ == &head_; }
  bool has_at_most_one() const noexcept { return head_.next_ == head_.previous_; }
  T* front() const noexcept { return empty() ? nullptr : element_of(head_.next_); }
  /// The element behind `element`, or null at the end.
  T* next(const T& element) const noexcept {
    hook* next = static_cast<const hook&>(element).next_;
    return next == &head_ ? nullptr : element_of(next);
  }

  void push_back(T& element) noexcept { insert_before(head_, element); }
  void push_front(T& element) noexcept { insert_before(*head_.next_, element); }

  T* pop_front() noexcept {
    T* element = front();
    if (element) static_cast<hook*>(element)->unlink();
    return element;
  }

 private:
  static T* element_of(hook* link) noexcept { return static_cast<T*>(link); }
  static void insert_before(hook& position, hook& element) noexcept {
    assert(!element.is_linked());
    element.previous_ = position.previous_;
    element.next_ = &position;
    position.previous_->next_ = &element;
    position.previous_ = &element;
  }

  hook head_;
};

} // namespace weir
