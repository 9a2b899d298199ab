#!/usr/bin/python3
"""weir from the outside: what it prints, where, and its exit status."""
import json
import os
import pty
import re
import socket
import subprocess
import unittest

import weir_command
from weir_command import SOURCE_DIR, run

ENDPOINTS = {"--frontend": "router:tcp://127.0.0.1:*", "--backend": "dealer:tcp://127.0.0.1:*"}


def proxy(*more, **changes):
    endpoints = ENDPOINTS | {f"--{side}": text for side, text in changes.items()}
    return run("proxy", *more, *(word for pair in endpoints.items() for word in pair))


class Usage(unittest.TestCase):
    def assert_refused(self, outcome, *told):
        self.assertEqual((outcome.returncode, outcome.stdout), (2, ""), outcome.stderr)
        for each in told:
            self.assertIn(each, outcome.stderr)

    def test_help_is_no_error(self):
        for command in ([], ["doctor"], ["proxy"]):
            outcome = run(*command, "--help")
            self.assertEqual((outcome.returncode, outcome.stderr), (0, ""))
            self.assertLessEqual(max(map(len, outcome.stdout.splitlines())), 130)
        self.assertIn("WEIR_BACKEND", run("--help").stdout)

    def test_the_version_is_that_of_the_project(self):
        project = re.search(r"project\(weir VERSION (\S+)", (SOURCE_DIR / "CMakeLists.txt").read_text())
        self.assertEqual(run("--version").stdout, f"weir {project.group(1)}\n")

    def test_wrong_usage_is_explained_on_standard_error(self):
        self.assert_refused(run(), "subcommand is required", "weir --help")
        self.assert_refused(run("docter"), "docter")
        self.assert_refused(run("doctor", "--jsn"), "--jsn", "weir doctor --help")
        self.assert_refused(run("proxy"), "--frontend is required", "weir proxy --help")

    def test_wrong_values_are_told_with_their_option(self):
        self.assert_refused(proxy(frontend="tcp://*:5555"), "--frontend", "router:", "'tcp://*:5555'")
        self.assert_refused(proxy(backend="dealer:tcp://*"), "--backend", "no port", "tcp://*")
        self.assert_refused(proxy(backend="dealer+connect:tcp://*:1"), "--backend", "wildcard")
        self.assert_refused(proxy("--bytes", "lots"), "--bytes", "'lots'")
        self.assert_refused(proxy("--bytes", "1K"), "--bytes", "at least 1 MiB")
        self.assert_refused(proxy("--message-max", "0"), "--message-max", "at least 1 B")
        self.assert_refused(proxy("--drain", "soon"), "--drain", "'soon'")
        self.assert_refused(proxy("--hwm", "-1"), "--hwm", "-1")

    def test_what_the_system_refuses_is_told_with_its_endpoint(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            outcome = proxy(frontend=f"router:{endpoint}")
        self.assertEqual((outcome.returncode, outcome.stdout), (1, ""))
        self.assertEqual(outcome.stderr, f"weir proxy: bind {endpoint}: Address already in use\n")
        outcome = proxy(backend="dealer+connect:tcp://host.example:1")
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("tcp://host.example:1", outcome.stderr)


class Doctor(unittest.TestCase):
    def facts(self, **changes):
        outcome = run("doctor", "--json", **changes)
        self.assertEqual((outcome.returncode, outcome.stderr), (0, ""))
        return json.loads(outcome.stdout)

    def test_json_and_text_tell_the_same(self):
        facts, text = self.facts(), run("doctor").stdout
        self.assertIn(f"backend       {facts['reason']}\n", text)
        self.assertIn(f"Linux {os.uname().release}", text)
        self.assertEqual(facts["machine"]["release"], os.uname().release)
        self.assertEqual(facts["machine"]["cpus_usable"], len(os.sched_getaffinity(0)))
        for operation, how in facts["operations"].items():
            columns = [how.get(backend, "-") for backend in ("io_uring", "epoll")]
            self.assertRegex(text, rf"(?m)^  {operation} +{columns[0]} +{columns[1]}$")
        for capability, found in facts["capabilities"].items():
            answer = "yes" if found["present"] else f"no +{re.escape(found['why_missing'])}"
            self.assertRegex(text, rf"(?m)^  {capability} +{answer}")
        self.assertEqual(facts["loop_defaults"]["buffers.budget_bytes"], 64 << 20)
        self.assertRegex(text, r"(?m)^  buffers.budget_bytes +64 MiB ")

    def test_epoll_by_order_of_the_environment(self):
        facts = self.facts(WEIR_BACKEND="epoll")
        self.assertEqual([facts["backend"], facts["reason"]], ["epoll", "epoll: asked for by WEIR_BACKEND"])
        self.assertEqual(facts["receive_strategy"]["used"], "adaptive")
        self.assertEqual(facts["environment"], {"WEIR_BACKEND": "epoll", "WEIR_CAPABILITIES": None})
        self.assertFalse(any(found["present"] for found in facts["capabilities"].values()))

    def test_capabilities_that_the_environment_takes_away(self):
        usable = self.facts()["capabilities"]
        facts = self.facts(WEIR_CAPABILITIES="-bundles,-send_zero_copy")
        self.assertEqual(facts["environment"]["WEIR_CAPABILITIES"], "-bundles,-send_zero_copy")
        for name, found in facts["capabilities"].items():
            taken = name in ("bundles", "send_zero_copy")
            self.assertEqual(found["present"], usable[name]["present"] and not taken, name)

    def test_overrides_that_mean_nothing(self):
        for name, value in (("WEIR_BACKEND", "select"), ("WEIR_CAPABILITIES", "-speed")):
            outcome = run("doctor", **{name: value})
            self.assertEqual((outcome.returncode, outcome.stdout), (1, ""))
            self.assertIn(f"{name} '{value}'", outcome.stderr)

    def test_colours_on_a_terminal_only(self):
        self.assertNotIn("\x1b", run("doctor", TERM="xterm").stdout)
        self.assertIn(b"\x1b[1m", self.on_a_terminal(TERM="xterm", NO_COLOR=""))
        self.assertNotIn(b"\x1b", self.on_a_terminal(TERM="xterm", NO_COLOR="1"))

    def on_a_terminal(self, **changes):
        ours, theirs = pty.openpty()
        process = subprocess.Popen([weir_command.WEIR, "doctor"], stdout=theirs,
                                   env=weir_command.environment(**changes))
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(ours, 65536):
                seen += piece
        except OSError:  # EIO: how a terminal says that the other side has closed it
            pass
        os.close(ours)
        self.assertEqual(process.wait(), 0)
        return seen


if __name__ == "__main__":
    weir_command.main()
