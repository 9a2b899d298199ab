#include <weir/io/platform/sockets.hpp>

#include <fcntl.h>
#include <io.h>
#include <support/processes.hpp>

#include <csignal>
#include <cstdlib>
#include <vector>

namespace weir::test {
namespace {

HANDLE handle(int number) {
  return reinterpret_cast<HANDLE>(static_cast<std::intptr_t>(number));
}

bool has_ended_within(pid_t id, DWORD wait_ms) {
  const HANDLE process = ::OpenProcess(SYNCHRONIZE, FALSE, static_cast<DWORD>(id));
  if (!process) return true;
  const bool has_ended = ::WaitForSingleObject(process, wait_ms) == WAIT_OBJECT_0;
  ::CloseHandle(process);
  return has_ended;
}

LONG WINAPI end_without_debugger(EXCEPTION_POINTERS*) {
  return EXCEPTION_EXECUTE_HANDLER;
}

} // namespace

bool is_process(pid_t id) {
  return !has_ended_within(id, 0);
}

void await_end_of_child(pid_t id) {
  has_ended_within(id, INFINITE);
}

bool has_children() {
  return false;
}

void send_to_this_process(int signal) {
  std::raise(signal);
}

descriptor inheritable_copy(int number) {
  constexpr std::intptr_t numbers_of_new_process = 4000;
  const HANDLE self = ::GetCurrentProcess();
  std::vector<HANDLE> low;
  HANDLE copy = nullptr;
  while (::DuplicateHandle(self, handle(number), self, &copy, 0, TRUE, DUPLICATE_SAME_ACCESS) &&
         reinterpret_cast<std::intptr_t>(copy) < numbers_of_new_process)
    low.push_back(copy);
  for (const HANDLE each : low) ::CloseHandle(each);
  return descriptor(static_cast<int>(reinterpret_cast<std::intptr_t>(copy)));
}

bool is_given(int number) {
  DWORD flags = 0;
  return ::GetHandleInformation(handle(number), &flags) != 0;
}

/// On a console of its own: else all who share it were told.
std::string interrupt_this_process() {
  ::FreeConsole();
  if (!::AllocConsole()) return "AllocConsole fails with " + std::to_string(::GetLastError());
  if (::GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)) return {};
  return "GenerateConsoleCtrlEvent fails with " + std::to_string(::GetLastError());
}

void prepare_child() {
  ::SetUnhandledExceptionFilter(end_without_debugger);
  for (const int stream : {0, 1, 2}) ::_setmode(stream, _O_BINARY);
}

void crash() {
  ::RaiseException(EXCEPTION_ACCESS_VIOLATION, EXCEPTION_NONCONTINUABLE, 0, nullptr);
  std::abort();
}

} // namespace weir::test
