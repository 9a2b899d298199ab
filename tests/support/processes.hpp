// Processes for tests: whether they are there, and what they are given.
#pragma once

#include <weir/io/descriptor.hpp>
#include <weir/io/platform/signals.hpp>

#include <string>

namespace weir::test {

/// Also of one that has ended and was not waited for, where a system keeps those.
bool is_process(pid_t id);
/// Waits until a child has ended, and leaves it to be waited for.
void await_end_of_child(pid_t id);
/// Ended ones too. A system that knows of no parents has none.
bool has_children();

/// What is for one thread alone (raise(3)) not every system tells to a set.
void send_to_this_process(int signal);

/// A copy that children inherit unless somebody sees to it that they do not. Its number is one that a new
/// process has not given out.
descriptor inheritable_copy(int number);
/// Of a child: whether that number is one that it was given.
bool is_given(int number);

/// As somebody at the terminal would; why not, where that cannot be. For children.
std::string interrupt_this_process();

// Of a child:
/// Its standard streams pass on what was written, byte by byte, and nobody asks what to do when it crashes.
void prepare_child();
[[noreturn]] void crash();

} // namespace weir::test
