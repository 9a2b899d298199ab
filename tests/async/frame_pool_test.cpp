#include <weir/async/frame_pool.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace weir {
namespace {

class frame_pool_test : public testing::Test {
 protected:
  void SetUp() override { frame_pool::trim(); }
  void TearDown() override { EXPECT_EQ(frame_pool::frames_live(), 0u); }
};

TEST_F(frame_pool_test, gives_the_frame_freed_last_to_the_next_of_its_class) {
  void* first = frame_pool::allocate(100);
  frame_pool::deallocate(first, 100);
  void* second = frame_pool::allocate(120); // 89 to 120 bytes are one class
  EXPECT_EQ(second, first);
  void* of_another_class = frame_pool::allocate(121);
  EXPECT_NE(of_another_class, first);
  frame_pool::deallocate(of_another_class, 121);
  frame_pool::deallocate(second, 120);
}

TEST_F(frame_pool_test, counts_what_lives_and_what_is_kept) {
  void* frame = frame_pool::allocate(56);
  EXPECT_EQ(frame_pool::frames_live(), 1u);
  EXPECT_EQ(frame_pool::kept_bytes(), 0u);
  frame_pool::deallocate(frame, 56);
  EXPECT_EQ(frame_pool::frames_live(), 0u);
  EXPECT_EQ(frame_pool::kept_bytes(), 56u);
  frame_pool::trim();
  EXPECT_EQ(frame_pool::kept_bytes(), 0u);
}

TEST_F(frame_pool_test, gives_the_whole_of_a_recycled_frame) {
  void* frame = frame_pool::allocate(89);
  frame_pool::deallocate(frame, 89);
  frame = frame_pool::allocate(120);
  std::memset(frame, 0xab, 120); // AddressSanitizer watches
  frame_pool::deallocate(frame, 120);
}

TEST_F(frame_pool_test, keeps_no_more_than_its_bound) {
  constexpr std::size_t frame_bytes = frame_pool::frame_bytes_max;
  constexpr std::size_t more_than_kept = frame_pool::kept_bytes_per_class_max / frame_bytes + 10;
  std::vector<void*> frames;
  for (std::size_t i = 0; i < more_than_kept; ++i) frames.push_back(frame_pool::allocate(frame_bytes));
  for (void* frame : frames) frame_pool::deallocate(frame, frame_bytes);
  EXPECT_LE(frame_pool::kept_bytes(), frame_pool::kept_bytes_per_class_max);
  EXPECT_GT(frame_pool::kept_bytes(), frame_pool::kept_bytes_per_class_max - frame_bytes);
}

TEST_F(frame_pool_test, does_not_keep_frames_above_the_largest_class) {
  constexpr std::size_t frame_bytes = frame_pool::frame_bytes_max + 1;
  frame_pool::deallocate(frame_pool::allocate(frame_bytes), frame_bytes);
  EXPECT_EQ(frame_pool::kept_bytes(), 0u);
}

TEST_F(frame_pool_test, each_thread_has_its_own) {
  frame_pool::deallocate(frame_pool::allocate(56), 56);
  std::thread([] {
    EXPECT_EQ(frame_pool::kept_bytes(), 0u);
    frame_pool::deallocate(frame_pool::allocate(56), 56); // freed when the thread ends: LeakSanitizer watches
    EXPECT_EQ(frame_pool::kept_bytes(), 56u);
  }).join();
  EXPECT_EQ(frame_pool::kept_bytes(), 56u);
}

} // namespace
} // namespace weir
