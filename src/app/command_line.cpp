#include "command_line.hpp"

#include "doctor.hpp"
#include "exit_code.hpp"
#include "proxy.hpp"
#include "sim.hpp"
#include "top.hpp"
#include "units.hpp"
#include "version.hpp"

#include <weir/zmtp/proxy_memory.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <vector>

namespace weir::app {
namespace {

constexpr const char* main_help = R"(Environment, for every program on weir; both can only take away:
  WEIR_BACKEND=io_uring|epoll         use this backend or none
  WEIR_CAPABILITIES=-bundles,...      do without capabilities that `weir doctor` lists;
                                      none: without all, one_shot: without multishot and bundles

Exit status: 0 done, 1 failed, 2 wrong usage, 128 + n ended at once by signal n.
)";

constexpr const char* doctor_help =
    R"(Probes this machine as every program on weir does, and says why. Where io_uring is missing or
forbidden, weir goes on with epoll.
)";

constexpr const char* proxy_help =
    R"(Clients (REQ, DEALER, ROUTER) talk to the frontend, workers (REP, DEALER, ROUTER) to the backend.
Requests go to the workers in turn, replies back to who asked. Nothing is dropped for want of room:
it waits, and so do the senders.

Endpoints: tcp://ADDRESS:PORT (* for any), ipc://PATH, ipc://@NAME (abstract).

SIGTERM or SIGINT: no new connections; what is under way is served until all is quiet and every
request has its reply, at most as long as --drain says; then the totals, and exit status 0. A second
signal ends it at once.

  weir proxy --frontend router:tcp://*:5555 --backend dealer:tcp://*:5556
  weir proxy --frontend router:ipc:///run/app.sock --backend dealer+connect:tcp://10.0.0.7:5556
)";

constexpr const char* top_help =
    R"(PATH is the socket of a process that lets itself be looked at, such as a proxy with --inspect PATH.

  NOW    what a loop does at this moment; red: for longer than 100 ms
  LAG    how late it comes to what is due at a certain time
  STUCK  handlers that held it up, where the process has a watchdog

  weir top /run/app.inspect
  weir top /run/app.inspect --once --json
)";

constexpr const char* sim_help =
    R"(A scenario is a program of weir's own in a simulated world that is out to break it: one seed decides
all that the network, the disks, the clocks and the kernel do. The same seed gives the same run, and the
same trace_hash, on every machine. A seed that fails is made small, and told with its last events.

  weir sim --list
  weir sim exchange --seed 1 --runs 1000
  weir sim --all --runs 1000

Seeds try some places of all kinds. One seed can be taken through all places of one kind instead, or through
as many as --runs allows: every fault that might have happened, every suspension at which programs might be
asked to end, every way through what is drawn. The last two have no faults but those that --only names.

  weir sim exchange --fail-each --only no_memory
  weir sim nursery_tree --cancel-each
  weir sim channels --every-choice --runs 100000
)";

/// "the broken rule 'the text'", without the code: for errors that are read beside their option.
std::string rule_of(const error& why) {
  std::string text(why.operation());
  if (!why.endpoint().empty()) text += " " + std::string(why.endpoint());
  return text;
}

template <class T>
T demand(const char* option, result<T> parsed) {
  if (!parsed) throw CLI::ValidationError(option, rule_of(parsed.error()));
  return std::move(*parsed);
}

// --- the commands ---

void add_doctor(CLI::App& weir, doctor_options& options) {
  CLI::App* doctor = weir.add_subcommand("doctor", "Tell what weir finds on this machine, and why");
  doctor->add_flag("--json", options.json, "One JSON object instead of text");
  doctor->footer(doctor_help);
}

void add_endpoints(CLI::App& proxy, const char* option, const char* type, const char* description,
                   proxy_side side, std::vector<proxy_endpoint>& into) {
  const auto take = [=, &into](const std::vector<std::string>& texts) {
    for (const std::string& each : texts) into.push_back(demand(option, parse_proxy_endpoint(each, side)));
  };
  proxy.add_option_function<std::vector<std::string>>(option, take, description)
      ->required()
      ->allow_extra_args(false)
      ->type_name(type);
}

/// A size of at least `least_bytes`.
void add_size(CLI::App& proxy, const char* option, const char* description, std::uint64_t least_bytes,
              std::uint64_t& into) {
  const auto take = [=, &into](const std::string& text) {
    into = demand(option, parse_bytes(text));
    if (into < least_bytes) throw CLI::ValidationError(option, "at least " + format_bytes(least_bytes));
  };
  proxy.add_option_function<std::string>(option, take, description)
      ->type_name("SIZE")
      ->default_str(format_bytes(into));
}

void add_bounds(CLI::App& proxy, proxy_options& options) {
  proxy
      .add_option("--hwm", options.hwm,
                  "Messages that wait, for each peer and direction; 0: only bytes count")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_size(proxy, "--bytes", "Memory for messages that wait, all peers together; decides how many clients",
           zmtp::proxy_memory::bytes_min, options.bytes);
  add_size(proxy, "--message-max", "Largest message; who sends a larger one is disconnected", 1,
           options.message_max);
  const auto take_drain = [&options](const std::string& text) {
    options.drain = demand("--drain", parse_duration(text));
  };
  proxy
      .add_option_function<std::string>("--drain", take_drain,
                                        "Longest time from the first signal to the end")
      ->type_name("TIME")
      ->default_str(format_duration(options.drain));
}

void add_proxy(CLI::App& weir, proxy_options& options) {
  CLI::App* proxy =
      weir.add_subcommand("proxy", "Run a ZeroMQ broker: ROUTER to DEALER, with bounded memory");
  add_endpoints(*proxy, "--frontend", "router[+connect]:ENDPOINT",
                "Where clients come to, or +connect: what to connect to; may be repeated",
                proxy_side::frontend, options.frontend);
  add_endpoints(*proxy, "--backend", "dealer[+connect]:ENDPOINT", "The same for workers", proxy_side::backend,
                options.backend);
  add_bounds(*proxy, options);
  proxy->add_option("--inspect", options.inspect, "Let `weir top` look inside through this local socket")
      ->type_name("PATH");
  proxy->add_flag("-q,--quiet", options.quiet, "No line a second");
  proxy->add_flag("--json", options.json, "JSON, an object a line, instead of text");
  proxy->footer(proxy_help);
}

void add_top(CLI::App& weir, top_options& options) {
  CLI::App* top = weir.add_subcommand("top", "Look inside a running process: loops, connections, handlers");
  top->add_option("path", options.path, "The socket of its inspector")->required()->type_name("PATH");
  const auto take_interval = [&options](const std::string& text) {
    options.interval = demand("--interval", parse_duration(text));
    if (options.interval.count() == 0) throw CLI::ValidationError("--interval", "at least 1 ms");
  };
  top->add_option_function<std::string>("--interval", take_interval, "Time between two looks")
      ->type_name("TIME")
      ->default_str(format_duration(options.interval));
  CLI::Option* once = top->add_flag("--once", options.once, "One view of one interval, then the end");
  top->add_flag("--json", options.json, "With --once: what the process tells, as JSON")->needs(once);
  top->footer(top_help);
}

void add_sim(CLI::App& weir, sim_options& options) {
  CLI::App* sim =
      weir.add_subcommand("sim", "Put weir's own programs through simulated worlds, seed by seed");
  CLI::Option_group* what = sim->add_option_group("what", "");
  what->add_option("scenario", options.scenario, "Its name")->type_name("SCENARIO");
  what->add_flag("--list", options.list, "Which scenarios there are, one a line");
  what->add_flag("--all", options.all, "Every scenario");
  what->require_option(1);
  sim->add_option("--seed", options.seed, "The first seed; 1 if not given")->type_name("N");
  sim->add_option("--runs", options.runs, "How many seeds; 1 with --seed, else 100. Of places 10,000")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  sim->add_flag("--twice", options.twice, "Run each seed twice and compare the hashes");
  CLI::Option_group* how = sim->add_option_group("one seed, all places, instead of many seeds", "");
  how->add_flag("--fail-each", options.fail_each, "A run for each fault that might have happened");
  how->add_flag("--cancel-each", options.cancel_each, "A run for each suspension: there programs must end");
  how->add_flag("--every-choice", options.every_choice,
                "All ways through what is drawn, the first choices first");
  how->require_option(0, 1);
  sim->add_flag("--json", options.json, "JSON, an object a scenario, instead of text");
  sim->add_option("--timeline", options.timeline, "Draw the failing run, or the last one, as SVG")
      ->type_name("FILE");
  sim->add_option("--only", options.kinds, "Kinds of fault that may happen, or none")->type_name("KIND,...");
  sim->add_option("--without", options.without, "Kinds of fault that may not")->type_name("KIND,...");
  sim->add_option("--fail-at", options.fail_at, "The one fault that happens")->type_name("N");
  sim->add_option("--cancel-at", options.cancel_at, "The suspension at which programs must end")
      ->type_name("N");
  sim->add_option("--way", options.way, "How the first choices are made")->delimiter(',')->type_name("N,...");
  sim->add_option("--faults-max", options.faults_max, "After so many faults no more happen")->type_name("N");
  sim->add_option("--safety-steps", options.safety_steps, "After so many steps no faults happen")
      ->type_name("N");
  sim->footer(sim_help);
}

// --- wrong usage ---

int explain(const CLI::App& weir, const CLI::ParseError& why) {
  if (why.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return weir.exit(why);
  std::string command = weir.get_name();
  for (const CLI::App* each : weir.get_subcommands()) command += " " + each->get_name();
  std::string rule = why.what();
  if (weir.get_subcommands().empty() && !weir.remaining().empty())
    rule = fmt::format("'{}' is neither a command nor an option", weir.remaining().front());
  fmt::print(stderr, "{}: {}\n{} --help tells how to use it.\n", command, rule, command);
  return exit_usage;
}

} // namespace

int run_command(int argc, const char* const* argv) {
  CLI::App weir("An event-driven I/O runtime: what it finds on this machine, a broker built on it, a look "
                "inside, and a "
                "simulator.",
                "weir");
  doctor_options doctor;
  proxy_options proxy;
  top_options top;
  sim_options sim;
  weir.set_version_flag("--version", fmt::format("weir {}", version));
  weir.require_subcommand(1);
  weir.footer(main_help);
  weir.get_formatter()->column_width(40);
  add_doctor(weir, doctor);
  add_proxy(weir, proxy);
  add_top(weir, top);
  add_sim(weir, sim);
  try {
    weir.parse(argc, argv);
    if (weir.got_subcommand("doctor")) return run_doctor(doctor);
    if (weir.got_subcommand("sim")) return run_sim(sim);
    return weir.got_subcommand("top") ? run_top(top) : run_proxy(proxy);
  } catch (const CLI::ParseError& why) {
    return explain(weir, why);
  } catch (const std::exception& broken) {
    fmt::print(stderr, "weir: {}\n", broken.what());
    return exit_failure;
  }
}

} // namespace weir::app
