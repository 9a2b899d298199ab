"""What `check-layers --self-test` plants: each case is a file, and the line where it must be found, or none."""
import pathlib
import tempfile

CASES = [
    # ---- floors
    ("include/weir/io/a.hpp", "#include <weir/base/error.hpp>\n", None),
    ("include/weir/io/a.hpp", "#pragma once\n#include <weir/async/task.hpp>\n", 2),
    ("tests/io/a_test.cpp", "#include <weir/net/stream.hpp>\n", 1),
    ("tests/net/a_test.cpp", "#include <weir/net/stream.hpp>\n#include <weir/io/loop.hpp>\n", None),
    ("tests/io/a_test.cpp", '#include "../../src/zmtp/a.hpp"\n', 1),
    ("tests/io/a_test.cpp", '#include "../../src/io/a.hpp"\n', None),
    ("tests/support/a.hpp", "#include <weir/zmtp/router.hpp>\n", None),
    ("include/weir/http/a.hpp", "#include <weir/zmtp/frame.hpp>\n", 1),
    ("include/weir/sim/a.hpp", "#include <weir/async/task.hpp>\n", None),
    ("include/weir/sim/a.hpp", "#include <weir/net/stream.hpp>\n", 1),
    ("include/weir/net/a.hpp", "#include <weir/sim/world.hpp>\n", 1),
    ("include/weir/app/a.hpp", "#include <weir/sim/world.hpp>\n", None),
    ("src/app/a.hpp", '#include "../scenarios/scenarios.hpp"\n', None),
    ("src/scenarios/a.hpp", "#include <weir/sim/world.hpp>\n#include <weir/zmtp/router.hpp>\n", None),
    ("src/scenarios/a.hpp", '#include "app/units.hpp"\n', 1),
    ("src/sim/a.hpp", '#include "scenarios/scenarios.hpp"\n', 1),
    ("include/weir/net/a.hpp", "#include <weir/all.hpp>\n", 1),
    ("include/weir/io/a.hpp", "// #include <weir/net/stream.hpp>\n", None),
    # ---- stems
    ("src/net/orphan.cpp", "int x;\n", 1),
    ("src/io/uring_part.cpp", "#include <weir/io/uring_whole.hpp>\n", None),
    ("src/io/uring_part.cpp", "#include <weir/io/loop.hpp>\n", 1),
    ("src/app/main.cpp", "int main() {}\n", None),
    ("src/scenarios/orphan.cpp", '#include "scenarios.hpp"\n', None),
    ("src/scenarios/orphan.cpp", "#include <weir/sim/world.hpp>\n", 1),
    ("src/io/platform/linux_orphan.cpp", "int x;\n", 1),
    # ---- systems
    ("src/net/a.hpp", "\n#ifdef _WIN32\n#endif\n", 2),
    ("include/weir/io/a.hpp", "#if defined(__linux__) && 1\n#endif\n", 1),
    ("src/io/platform/a.hpp", "#ifdef _WIN32\n#endif\n", None),
    ("src/io/iocp_a.hpp", "#ifdef _WIN32\n#endif\n", None),
    # ---- length
    ("bench/long.cpp", "\n" * 401, 401),
    ("bench/long.py", "\n" * 401, 401),
    ("bench/long.cpp", "// Length: a table\n" + "\n" * 400, None),
    ("bench/full.cpp", "\n" * 400, None),
    # ---- liburing
    ("include/weir/io/a.hpp", "#include <liburing.h>\n", 1),
    ("src/io/a.hpp", "#include <liburing.h>\n", None),
    # ---- time and chance
    ("src/net/a.hpp", "\nauto t = std::chrono::steady_clock::now();\n", 2),
    ("src/async/a.hpp", "std::this_thread::sleep_for(1s);\n", 1),
    ("src/zmtp/a.hpp", "int x = rand();\n", 1),
    ("src/zmtp/a.hpp", "int x = ::time(nullptr);\n", 1),
    ("src/zmtp/a.hpp", "auto x = loop.random() + peer->time() + retry::sleep(1) + sleep_for(2); // rand()\n", None),
    ("src/io/a.hpp", "int x = clock_gettime(CLOCK_MONOTONIC, &now);\n", None),
    ("tests/net/a_test.cpp", "auto t = std::chrono::steady_clock::now();\n", None),
    ("src/scenarios/a.hpp", "auto t = std::chrono::steady_clock::now();\n", 1),
    # ---- seam
    ("src/net/a.hpp", "\nint x = ::shutdown(socket, SHUT_WR);\n", 2),
    ("src/fs/a.hpp", "int x = ::close(number);\n", 1),
    ("src/zmtp/a.hpp", "result<> socket::bind(std::string_view at);\n", None),
    ("src/net/a.hpp", "int x = calls().shutdown(socket, SHUT_WR) + listener::bind(at); // ::bind(2)\n", None),
    ("src/os/a.hpp", "int x = ::close(number);\n", None),
    # ---- portable
    ("src/sim/a.hpp", "std::unordered_map<int, int> x;\n", 1),
    ("src/scenarios/a.hpp", "\nstd::uniform_int_distribution<int> x;\n", 2),
    ("src/sim/a.hpp", "std::map<int, int> x; // no std::unordered_map\n", None),
    ("tests/sim/a_test.cpp", "std::unordered_map<int, int> x;\n", None),
    # ---- coroutines
    ("examples/a.cpp", "{\n  while (co_await f()) {\n  }\n}\n", 2),
    ("examples/a.cpp", "{\n  for (auto& x : co_await f()) {\n  }\n}\n", 2),
    ("examples/a.cpp", "{\n  for (int i = 0; i < co_await f(); ++i) {\n  }\n}\n", 2),
    ("examples/a.cpp", "{\n  switch (co_await f()) {\n  }\n}\n", 2),
    ("examples/a.cpp", "{\n  if (x && g(co_await f())) {\n  }\n}\n", 2),
    ("examples/a.cpp", "{\n  if (auto r = co_await f(); !r) {\n  }\n}\n", None),
    ("examples/a.cpp", "{\n  while (true) {\n    auto r = co_await f();\n    if (!r) break;\n  }\n}\n", None),
    ("examples/a.cpp", "{\n  co_await f({1, 2});\n}\n", 2),
    ("examples/a.cpp", "{\n  co_await f(a,\n             {1, 2});\n}\n", 2),
    ("examples/a.cpp", "{\n  auto x = ({ co_await f(); });\n}\n", 2),
    ("examples/a.cpp", "{\n  co_await f(options(1), buffer{});\n}\n", None),
    ("examples/a.cpp", "{\n  auto x = ok ? co_await f() : 0;\n}\n", 2),
    ("examples/a.cpp", "{\n  auto x = ok ? co_await f() : 0; // gcc12-safe: an int\n}\n", None),
    ("examples/a.cpp", "{\n  std::unique_ptr<t> x(new t(co_await f()));\n}\n", 2),
    ("examples/a.cpp", "{\n  co_await f([text] { use(text); });\n}\n", 2),
    ("examples/a.cpp", "{\n  co_await f([x = std::move(y)]() mutable { use(x); });\n}\n", 2),
    ("examples/a.cpp", "{\n  co_await f([&, this] { return ok ? g({1}) : h([x] {}); });\n}\n", None),
    ("examples/a.cpp", "auto f = [x]() -> task<void> {\n  co_await table[i](1);\n};\n", None),
    ("examples/a.cpp", '{\n  co_await f("? new ({"); // co_await f({1})\n}\n', None),
    ("examples/a.cpp", "{\n  auto x = ok ? 1 : 2;\n  co_await f();\n  g(new t({x}));\n}\n", None),
]


def run(check_tree):
    """Plants each case alone in a tree and compares what check_tree finds. Returns the exit status."""
    wrong = 0
    for name, text, line in CASES:
        with tempfile.TemporaryDirectory() as root:
            file = pathlib.Path(root, name)
            file.parent.mkdir(parents=True)
            file.write_text(text)
            found = [(str(path), at) for path, at, _ in check_tree(pathlib.Path(root))]
        if found != ([] if line is None else [(name, line)]):
            wrong += 1
            print(f"{name}, expected a finding at line {line}, found {found}:\n{text}")
    print(f"{len(CASES) - wrong} of {len(CASES)} cases as expected")
    return 1 if wrong else 0
