// How a master comes by its sockets, and by the program that its workers run.
#include "worker_generation.hpp"
#include "worker_restarts.hpp"

#include <weir/net/listener.hpp>
#include <weir/runtime/master.hpp>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace weir {
namespace {

/// This program with the arguments that it was given, by its path: a reload runs what lies there then.
result<command> this_program() {
  std::error_code unreadable;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", unreadable);
  if (unreadable) return fail(error(unreadable, "read /proc/self/exe"));
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> words;
  for (std::size_t from = 0; from < all.size(); from += words.back().size() + 1)
    words.emplace_back(all.c_str() + from);
  if (!words.empty()) words.erase(words.begin());
  return command(path.string(), std::move(words));
}

/// Copies may be bound to the address of the first.
result<std::vector<descriptor>> open_copies(const worker_socket& wanted, unsigned copies) {
  listen_options options = wanted.options;
  options.reuse_port = options.reuse_port || copies > 1;
  if (copies > 1 && wanted.at.is_unix())
    return fail(
        error(errc::invalid_argument, "reuse_port of a unix-domain socket").at(wanted.at.to_string()));
  std::vector<descriptor> opened;
  address at = wanted.at;
  for (unsigned i = 0; i < copies; ++i) {
    result<descriptor> socket = listener::open(at, options);
    if (!socket) return fail(std::move(socket).error());
    result<address> local = address::local_of(socket->get());
    if (!local) return fail(std::move(local).error());
    at = *local;
    opened.push_back(std::move(*socket));
  }
  return opened;
}

} // namespace

result<std::unique_ptr<master>> master::create(master_options options) {
  if (options.workers == 0) return fail(errc::invalid_argument, "master: no workers");
  std::unique_ptr<master> made(new master(std::move(options)));
  auto manager = systemd_notifier::from_environment();
  if (!manager) return fail(std::move(manager).error());
  made->manager_ = std::move(*manager);
  auto passed = take_systemd_sockets();
  if (!passed) return fail(std::move(passed).error());
  if (result<> opened = made->open_sockets(std::move(*passed)); !opened)
    return fail(std::move(opened).error());

  if (!made->options_.program) {
    result<command> self = this_program();
    if (!self) return fail(std::move(self).error());
    made->program_ = std::move(*self);
  }
  return made;
}

master::master(master_options options)
    : options_(std::move(options)), program_(options_.program.value_or(command(""))),
      restarts_(std::make_unique<worker_restarts>(options_)) {
  sockets_of_ = [this](unsigned number) {
    std::vector<int> numbers;
    for (const held_socket& each : sockets_)
      numbers.push_back(each.sockets[number % each.sockets.size()].get());
    return numbers;
  };
}

master::~master() {
  for (const held_socket& each : sockets_)
    if (!each.path.empty()) ::unlink(each.path.c_str());
}

result<> master::open_sockets(std::vector<named_socket> passed) {
  for (const worker_socket& each : options_.sockets) {
    if (each.name.find(':') != std::string::npos || each.name.empty())
      return fail(error(errc::invalid_argument, "name of a socket").at("'" + each.name + "'"));
    if (result<> opened = open_socket(each, passed); !opened) return opened;
  }
  if (passed.empty()) return {};
  return fail(error(errc::invalid_argument, "systemd passed a socket that nobody wants")
                  .at("'" + passed.front().name + "'"));
}

result<> master::open_socket(const worker_socket& wanted, std::vector<named_socket>& passed) {
  held_socket& held = sockets_.emplace_back(wanted);
  const auto found = std::ranges::find(passed, wanted.name, &named_socket::name);
  if (found != passed.end()) {
    held.sockets.push_back(std::move(found->socket));
    passed.erase(found);
    return {};
  }
  const bool is_spread = options_.placement == worker_placement::reuse_port;
  auto opened = open_copies(wanted, is_spread ? options_.workers : 1);
  if (!opened) return fail(std::move(opened).error());
  held.sockets = std::move(*opened);
  held.path = wanted.at.unix_path();
  return {};
}

result<address> master::local_address(std::string_view socket_name) const {
  const auto found = std::ranges::find(sockets_, socket_name, &held_socket::name);
  if (found == sockets_.end()) return fail(error(errc::invalid_argument, "no such socket").at(socket_name));
  return address::local_of(found->sockets.front().get());
}

} // namespace weir
