#include "windows_spawn_plan.hpp"

#include "../../io/platform/windows_errors.hpp"
#include "../../io/platform/windows_handles.hpp"
#include "../../io/platform/windows_pipes.hpp"
#include "windows_text.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>

namespace weir {
namespace {

constexpr std::array<DWORD, 3> standard_handles = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};

bool is_directory(const std::wstring& path) noexcept {
  const DWORD attributes = ::GetFileAttributesW(path.c_str());
  return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

/// They run in an interpreter that takes command lines apart by rules of its own, whatever is quoted.
bool is_batch_file(std::wstring path) {
  std::ranges::transform(path, path.begin(),
                         [](wchar_t each) { return static_cast<wchar_t>(::towlower(each)); });
  return path.ends_with(L".bat") || path.ends_with(L".cmd");
}

/// What a new process gets besides its command line: that it inherits these handles and no others.
class handle_list {
 public:
  explicit handle_list(std::vector<HANDLE>& inherited) {
    SIZE_T bytes = 0;
    ::InitializeProcThreadAttributeList(nullptr, 1, 0, &bytes);
    memory_ = std::make_unique<std::byte[]>(bytes);
    list_ = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.get());
    is_made_ = ::InitializeProcThreadAttributeList(list_, 1, 0, &bytes);
    is_set_ =
        is_made_ && ::UpdateProcThreadAttribute(list_, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, inherited.data(),
                                                inherited.size() * sizeof(HANDLE), nullptr, nullptr);
  }
  ~handle_list() {
    if (is_made_) ::DeleteProcThreadAttributeList(list_);
  }
  handle_list(const handle_list&) = delete;
  handle_list& operator=(const handle_list&) = delete;

  explicit operator bool() const noexcept { return is_set_; }
  LPPROC_THREAD_ATTRIBUTE_LIST get() const noexcept { return list_; }

 private:
  std::unique_ptr<std::byte[]> memory_;
  LPPROC_THREAD_ATTRIBUTE_LIST list_ = nullptr;
  bool is_made_ = false;
  bool is_set_ = false;
};

} // namespace

spawn_plan::~spawn_plan() {
  for (const HANDLE each : given_)
    if (each != INVALID_HANDLE_VALUE) ::CloseHandle(each);
}

std::unexpected<error> spawn_plan::failure(unsigned long windows_error) const {
  return fail(error::from_errno(platform::errno_of(windows_error), "spawn").at(what_.program));
}

/// A process that has no such stream gives none.
result<> spawn_plan::give(std::size_t number, HANDLE source) {
  if (source == nullptr || source == INVALID_HANDLE_VALUE) return {};
  const HANDLE self = ::GetCurrentProcess();
  if (!::DuplicateHandle(self, source, self, &given_[number], 0, TRUE, DUPLICATE_SAME_ACCESS))
    return failure(::GetLastError());
  return {};
}

result<> spawn_plan::redirect_streams(pipe_end& input, pipe_end& output, pipe_end& errors) {
  result<> done = redirect(0, what_.input, input);
  if (done) done = redirect(1, what_.output, output);
  if (done) done = redirect(2, what_.errors, errors);
  return done;
}

result<> spawn_plan::redirect(std::size_t number, const redirection& to, pipe_end& ours) {
  switch (to.kind()) {
  case redirection::target::inherited:
    return give(number, ::GetStdHandle(standard_handles[number]));
  case redirection::target::descriptor:
    return give(number, platform::handle_of(to.descriptor()));
  case redirection::target::pipe:
    return give_pipe(number, ours);
  case redirection::target::nothing:
    break;
  }
  SECURITY_ATTRIBUTES inheritable{sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
  given_[number] = ::CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                 &inheritable, OPEN_EXISTING, 0, nullptr);
  if (given_[number] == INVALID_HANDLE_VALUE) return failure(::GetLastError());
  return {};
}

result<> spawn_plan::give_pipe(std::size_t number, pipe_end& ours) {
  using enum platform::pipe_use;
  const bool is_input = number == 0;
  platform::pipe_handles made;
  if (!platform::make_pipe(is_input ? inherited : overlapped, is_input ? overlapped : inherited, made))
    return failure(::GetLastError());
  given_[number] = is_input ? made.reader : made.writer;
  result<pipe_end> adopted =
      pipe_end::adopt(descriptor(platform::descriptor_of(is_input ? made.writer : made.reader)));
  if (!adopted) return fail(std::move(adopted).error());
  ours = std::move(*adopted);
  return {};
}

result<> spawn_plan::pass_descriptors() {
  for (const int each : what_.passed) {
    given_.push_back(INVALID_HANDLE_VALUE);
    if (result<> done = give(given_.size() - 1, platform::handle_of(each)); !done) return done;
  }
  return {};
}

/// As the C runtime wants it (lpReserved2 of STARTUPINFO): a count, a byte of flags for each, their handles.
std::vector<std::byte> spawn_plan::block_of_runtime() const {
  constexpr std::byte is_open{0x01};
  constexpr std::byte is_device{0x40}; // what cannot be rewound: pipes and terminals
  const auto count = static_cast<int>(given_.size());
  std::vector<std::byte> block(sizeof count + given_.size() * (1 + sizeof(HANDLE)));
  std::memcpy(block.data(), &count, sizeof count);
  for (std::size_t i = 0; i < given_.size(); ++i)
    if (given_[i] != INVALID_HANDLE_VALUE)
      block[sizeof count + i] = ::GetFileType(given_[i]) == FILE_TYPE_DISK ? is_open : is_open | is_device;
  std::memcpy(&block[sizeof count + given_.size()], given_.data(), given_.size() * sizeof(HANDLE));
  return block;
}

/// Empty when it is nowhere. A name without a folder is searched for as on other systems: in PATH alone, not
/// in this directory or that of this program.
std::wstring spawn_plan::path_of_program() const {
  std::wstring name = windows_text::wide(what_.program);
  const bool has_folder = name.find_first_of(L"/\\:") != std::wstring::npos;
  const bool is_absolute =
      name.starts_with(L'/') || name.starts_with(L'\\') || name.find(L':') != std::wstring::npos;
  std::wstring folders = L".";
  if (!has_folder) {
    folders.resize(::GetEnvironmentVariableW(L"PATH", nullptr, 0));
    folders.resize(::GetEnvironmentVariableW(L"PATH", folders.data(), static_cast<DWORD>(folders.size())));
  } else if (!is_absolute && !what_.directory.empty()) {
    name = windows_text::wide(what_.directory) + L'/' + name;
  }
  std::wstring found(32768, L'\0'); // the longest path
  const DWORD units = ::SearchPathW(folders.c_str(), name.c_str(), L".exe", static_cast<DWORD>(found.size()),
                                    found.data(), nullptr);
  found.resize(units);
  return found;
}

result<descriptor> spawn_plan::run() {
  const std::wstring directory = windows_text::wide(what_.directory);
  if (!directory.empty() && !is_directory(directory))
    return fail(error(std::errc::no_such_file_or_directory, "spawn").at(what_.directory));
  const std::wstring path = path_of_program();
  if (path.empty()) return failure(ERROR_FILE_NOT_FOUND);
  if (is_batch_file(path)) return failure(ERROR_BAD_EXE_FORMAT);

  std::vector<HANDLE> inherited;
  for (const HANDLE each : given_)
    if (each != INVALID_HANDLE_VALUE) inherited.push_back(each);
  const handle_list only(inherited);
  if (!only && !inherited.empty()) return failure(::GetLastError());

  std::vector<std::byte> block = block_of_runtime();
  STARTUPINFOEXW start{};
  start.StartupInfo.cb = sizeof start;
  start.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
  start.StartupInfo.hStdInput = given_[0];
  start.StartupInfo.hStdOutput = given_[1];
  start.StartupInfo.hStdError = given_[2];
  start.StartupInfo.cbReserved2 = static_cast<WORD>(block.size());
  start.StartupInfo.lpReserved2 = reinterpret_cast<BYTE*>(block.data());
  start.lpAttributeList = inherited.empty() ? nullptr : only.get();

  std::wstring line = windows_text::command_line(what_.program, what_.arguments);
  std::wstring environment;
  if (what_.environment) environment = windows_text::environment_block(*what_.environment);
  PROCESS_INFORMATION made{};
  if (!::CreateProcessW(path.c_str(), line.data(), nullptr, nullptr, !inherited.empty(),
                        CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT,
                        what_.environment ? environment.data() : nullptr,
                        directory.empty() ? nullptr : directory.c_str(), &start.StartupInfo, &made))
    return failure(::GetLastError());
  ::CloseHandle(made.hThread);
  return descriptor(platform::descriptor_of(made.hProcess));
}

} // namespace weir
