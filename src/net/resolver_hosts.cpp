#include "resolver_hosts.hpp"

#include <weir/io/descriptor.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace weir {
namespace {

/// Takes the next word off `line`; empty at its end.
std::string_view take_word(std::string_view& line) noexcept {
  constexpr std::string_view blank = " \t\r\v\f";
  const std::size_t begin = std::min(line.find_first_not_of(blank), line.size());
  const std::size_t end = std::min(line.find_first_of(blank, begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

result<std::string> read_beginning(int file, std::size_t bytes_max) {
  std::string text(bytes_max, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(file, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(error::from_errno(errno, "read"));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

} // namespace

std::string lower_case(std::string_view name) {
  std::string lower(name);
  for (char& each : lower)
    if (each >= 'A' && each <= 'Z') each = static_cast<char>(each - 'A' + 'a');
  return lower;
}

hosts_table::hosts_table(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, std::min(end, text.find('#')));
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view first = take_word(line);
    const result<address> of = address::ip(first, 0);
    if (!of || first == "*") continue;
    std::string_view name = take_word(line);
    if (!name.empty()) by_address_.try_emplace(of->host(), name);
    for (; !name.empty(); name = take_word(line)) by_name_[lower_case(name)].push_back(*of);
  }
}

std::vector<address> hosts_table::find(std::string_view name, int family) const {
  const auto found = by_name_.find(lower_case(name));
  std::vector<address> chosen;
  if (found == by_name_.end()) return chosen;
  std::ranges::copy_if(found->second, std::back_inserter(chosen),
                       [&](const address& each) { return each.family() == family; });
  return chosen;
}

bool hosts_table::knows(std::string_view name) const {
  return by_name_.contains(lower_case(name));
}

std::string hosts_table::name_of(const address& of) const {
  const auto found = by_address_.find(of.host());
  return found == by_address_.end() ? std::string() : found->second;
}

result<std::unique_ptr<hosts_table>> read_hosts(const std::string& path, const file_stamp& known,
                                                std::size_t bytes_max) {
  if (path.empty()) return std::make_unique<hosts_table>();
  const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::make_unique<hosts_table>();
  struct stat found{};
  if (!file || ::fstat(file.get(), &found) != 0) return fail(error::from_errno(errno, "open").at(path));
  const file_stamp stamp(found);
  if (stamp == known) return nullptr;
  const auto size = static_cast<std::size_t>(found.st_size);
  result<std::string> text = read_beginning(file.get(), std::min(size + 1, bytes_max));
  if (!text) return fail(std::move(text).error().at(path));
  if (text->size() < size) text->resize(text->rfind('\n') + 1); // no half of a line
  auto table = std::make_unique<hosts_table>(*text);
  table->stamp = stamp;
  return table;
}

} // namespace weir
