// The seam below what floors above io/ ask the kernel directly.
#include <weir/io/descriptor.hpp>
#include <weir/io/system_calls.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <support/descriptors.hpp>
#include <sys/ioctl.h>

#include <cerrno>
#include <thread>

namespace weir::test {
namespace {

/// Answers for one descriptor itself, and passes the rest on to the kernel.
class one_number final : public system_calls {
 public:
  static constexpr int number = 1 << 24;
  int close(int closed) noexcept override {
    if (closed != number) return system_calls::close(closed);
    ++closes;
    return 0;
  }
  int closes = 0;
};

TEST(system_calls_test, are_the_kernel_s_unless_others_stand_in_their_place) {
  one_number instead, deeper;
  system_calls& before = calls();
  {
    const system_calls_scope scope(instead);
    EXPECT_EQ(&calls(), &instead);
    {
      const system_calls_scope inner(deeper);
      EXPECT_EQ(&calls(), &deeper);
    }
    EXPECT_EQ(&calls(), &instead);
    std::jthread([&] { EXPECT_EQ(&calls(), &before) << "of this thread only"; });
  }
  EXPECT_EQ(&calls(), &before);
}

TEST(system_calls_test, close_what_a_descriptor_owns) {
  one_number instead;
  const std::size_t open_before = open_descriptors();
  {
    const system_calls_scope scope(instead);
    descriptor simulated(one_number::number);
    descriptor real(calls().socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_TRUE(real);
    EXPECT_EQ(open_descriptors(), open_before + 1);
  }
  EXPECT_EQ(instead.closes, 1);
}

TEST(system_calls_test, answer_as_those_of_the_same_name) {
  int ends[2];
  ASSERT_EQ(calls().socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  const descriptor one(ends[0]), other(ends[1]);
  EXPECT_EQ(calls().send(one.get(), "abc", 3, MSG_NOSIGNAL), 3);
  int unread = 0;
  EXPECT_EQ(calls().ioctl(other.get(), FIONREAD, &unread), 0);
  EXPECT_EQ(unread, 3);
  EXPECT_NE(calls().fcntl(one.get(), F_GETFL, 0) & O_NONBLOCK, 0);
  char text[4] = "";
  EXPECT_EQ(calls().recv(other.get(), text, sizeof text, 0), 3);
  EXPECT_EQ(calls().recv(other.get(), text, sizeof text, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(system_calls_test, count_the_descriptors_that_are_left) {
  const descriptor_limit few(30);
  const auto before = calls().descriptors_left();
  ASSERT_TRUE(before);
  EXPECT_LE(*before, 30u);
  const descriptor one_more(calls().open("/dev/null", O_RDONLY | O_CLOEXEC, 0));
  EXPECT_TRUE(one_more);
  EXPECT_EQ(calls().descriptors_left(), *before - 1);
}

} // namespace
} // namespace weir::test
