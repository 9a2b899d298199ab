// A restricted ring. That it does all that weir does, the contract suite shows: io_uring_restricted is one of
// its backends.
#include "io/uring_ring.hpp"
#include "uring_rig.hpp"

#include <fcntl.h>

#include <cerrno>

namespace weir::test {
namespace {

class uring_restrictions : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = why_no_io_uring(); !reason.empty()) GTEST_SKIP() << reason;
    auto made = uring_ring::create(8, 16, true, true);
    ASSERT_TRUE(made) << made.error().message();
    ring_ = std::move(*made);
  }

  io_uring& handle() { return ring_->handle(); }
  result<> restrict() { return ring_->restrict(); }

  /// The kernel's answer to one entry that `prepare` fills.
  template <class Prepare>
  int answer_to(Prepare prepare) {
    io_uring_sqe* const entry = ring_->next_entry();
    prepare(entry);
    ring_->submit_and_wait(patience_ns);
    return ring_->front() ? ring_->pop().result : -ETIME;
  }

 private:
  std::unique_ptr<uring_ring> ring_;
};

TEST_F(uring_restrictions, refuse_operations_that_weir_does_not_use) {
  ASSERT_TRUE(restrict());
  EXPECT_EQ(answer_to([](io_uring_sqe* entry) { io_uring_prep_nop(entry); }), 0);
  EXPECT_EQ(answer_to([](io_uring_sqe* entry) {
              io_uring_prep_openat(entry, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
            }),
            -EACCES);
  EXPECT_EQ(answer_to([](io_uring_sqe* entry) { io_uring_prep_unlink(entry, "/nonexistent", 0); }), -EACCES);
}

TEST_F(uring_restrictions, refuse_flags_that_weir_does_not_use) {
  ASSERT_TRUE(restrict());
  EXPECT_EQ(answer_to([](io_uring_sqe* entry) {
              io_uring_prep_nop(entry);
              entry->flags = IOSQE_ASYNC;
            }),
            -EACCES);
}

TEST_F(uring_restrictions, refuse_registrations) {
  ASSERT_TRUE(restrict());
  const int file = 0;
  EXPECT_EQ(io_uring_register_files(&handle(), &file, 1), -EACCES);
  EXPECT_EQ(io_uring_register_personality(&handle()), -EACCES);
}

TEST_F(uring_restrictions, are_for_good) {
  ASSERT_TRUE(restrict());
  io_uring_restriction anything{};
  anything.opcode = IORING_RESTRICTION_SQE_OP;
  anything.sqe_op = IORING_OP_OPENAT;
  EXPECT_LT(
      io_uring_register(static_cast<unsigned>(handle().ring_fd), IORING_REGISTER_RESTRICTIONS, &anything, 1),
      0);
  EXPECT_FALSE(restrict());
}

TEST_F(uring_restrictions, come_before_the_first_operation) {
  EXPECT_EQ(io_uring_enter(static_cast<unsigned>(handle().ring_fd), 0, 0, 0, nullptr), -EBADFD);
  ASSERT_TRUE(restrict());
  EXPECT_EQ(answer_to([](io_uring_sqe* entry) { io_uring_prep_nop(entry); }), 0);
}

} // namespace
} // namespace weir::test
