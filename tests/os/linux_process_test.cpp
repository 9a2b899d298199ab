// Children seen through pidfds: what their numbers alone would not tell.
#include "only_child.hpp"

#include <weir/os/process.hpp>

#include <support/child.hpp>
#include <sys/syscall.h>
#include <unistd.h>

namespace weir::test {
namespace {

TEST(process, that_is_gone_when_its_handle_is_asked_for_is_not_killed_by_its_number) {
  const std::string seen = in_child([] {
    ::alarm(10);
    forbid_system_call(SYS_pidfd_open, ESRCH);
    command what("cat");
    what.input = redirection::pipe();
    const result<process> child = process::spawn(what);
    EXPECT_FALSE(child);
    return end_of_only_child();
  });
  EXPECT_EQ(seen, "code 0");
}

} // namespace
} // namespace weir::test
