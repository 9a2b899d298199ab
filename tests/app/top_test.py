#!/usr/bin/python3
"""Looking inside a running proxy: weir top, the inspector's three answers, SIGUSR1, and the probes of tracers."""
import http.client
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

import weir_command
from weir_command import Proxy, run


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("weir", timeout=weir_command.PATIENCE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Inside(unittest.TestCase):
    environment = {}

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = f"{self.directory.name}/inspect"
        self.proxy = Proxy("--inspect", self.path, **self.environment)
        self.addCleanup(self.proxy.__exit__)

    def get(self, what):
        connection = UnixConnection(self.path)
        connection.request("GET", what)
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        return answer.read().decode()

    def top(self, *arguments, **changes):
        return run("top", self.path, "--interval", "50ms", *arguments, **changes)

    def connect(self):
        """A client that the proxy has accepted, and that says nothing."""
        address, port = re.fullmatch(r"tcp://(.*):(\d+)", self.proxy.frontend).groups()
        client = socket.create_connection((address, int(port)), weir_command.PATIENCE_S)
        self.addCleanup(client.close)
        self.assertEqual(client.recv(1)[0], 0xFF)  # its greeting
        return client

    def test_once_shows_loops_and_connections(self):
        client = self.connect()
        outcome = self.top("--once")
        self.assertEqual((outcome.returncode, outcome.stderr), (0, ""))
        lines = outcome.stdout.splitlines()
        self.assertRegex(lines[0], rf"^process {self.proxy.process.pid}, 1 loops, 1 connections, ")
        self.assertRegex(outcome.stdout, r"(?m)^proxy +(io_uring|epoll) ")
        self.assertIn("{}:{}".format(*client.getsockname()), outcome.stdout)
        self.assertNotIn("\x1b", outcome.stdout)

    def test_json_is_for_machines(self):
        self.connect()
        outcome = self.top("--once", "--json")
        told = json.loads(outcome.stdout)
        self.assertEqual(told["process"], self.proxy.process.pid)
        (loop,) = told["loops"]
        self.assertEqual([loop["name"], loop["answers"], loop["connections"]], ["proxy", True, 1])
        self.assertGreater(loop["counters"]["turns"], 0)
        self.assertTrue(loop["measures_handlers"])

    def test_goes_on_until_it_is_told_to_end(self):
        process = subprocess.Popen([weir_command.WEIR, "top", self.path, "--interval", "20ms"],
                                   stdout=subprocess.PIPE, env=weir_command.environment())
        views = 0
        while views < 3:
            line = process.stdout.readline().decode()
            self.assertTrue(line, "it has ended")
            views += line.startswith("process ")
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        process.stdout.close()
        self.assertEqual(process.wait(weir_command.PATIENCE_S), 0)

    def test_on_a_terminal_the_view_is_renewed_in_place_and_in_colour(self):
        ours, theirs = pty.openpty()
        process = subprocess.Popen([weir_command.WEIR, "top", self.path, "--interval", "20ms"], stdout=theirs,
                                   env=weir_command.environment(TERM="xterm", NO_COLOR=""))
        os.close(theirs)
        seen = b""
        while seen.count(b"\x1b[H\x1b[J") < 2 or b"\x1b[1m" not in seen:
            seen += os.read(ours, 65536)
        process.send_signal(signal.SIGTERM)
        try:
            while os.read(ours, 65536):
                pass
        except OSError:  # EIO: the other side has closed it
            pass
        os.close(ours)
        self.assertEqual(process.wait(weir_command.PATIENCE_S), 0)

    def test_says_that_the_process_has_gone(self):
        self.proxy.terminate()
        self.proxy.wait()
        outcome = self.top("--once")
        self.assertEqual((outcome.returncode, outcome.stdout), (1, ""))
        self.assertRegex(outcome.stderr, r"^weir top: .*inspect: connect.*: No such file or directory\n$")

    def test_curl_and_prometheus_read_it(self):
        text = self.get("/metrics")
        self.assertRegex(text, r'(?m)^weir_loop_turns_total\{loop="proxy"\} \d+$')
        self.assertIn("# TYPE weir_loop_lag_seconds histogram\n", text)
        self.assertEqual(json.loads(self.get("/snapshot"))["process"], self.proxy.process.pid)
        self.assertIn("accept_many", self.get("/dump"))

    def test_is_for_its_owner_only_and_leaves_nothing_behind(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        self.proxy.terminate()
        self.proxy.wait()
        self.assertFalse(pathlib.Path(self.path).exists())

    def test_at_sigusr1_it_says_what_it_waits_for_and_goes_on(self):
        for _ in range(2):
            self.proxy.process.send_signal(signal.SIGUSR1)
            text = b""
            while b"accept_many" not in text or not text.endswith(b"\n"):
                text += os.read(self.proxy.process.stderr.fileno(), 65536)
            self.assertIn(b"loop proxy (", text)
        self.connect()


class InsideOnEpoll(Inside):
    environment = {"WEIR_BACKEND": "epoll"}


class Elsewhere(unittest.TestCase):
    def test_wrong_usage(self):
        for arguments, told in (([], "path is required"), (["/x", "--json"], "--once"),
                                (["/x", "--interval", "0"], "--interval"), (["/x", "--interval", "soon"], "'soon'")):
            outcome = run("top", *arguments)
            self.assertEqual((outcome.returncode, outcome.stdout), (2, ""), outcome.stderr)
            self.assertIn(told, outcome.stderr)

    def test_a_socket_that_is_no_inspector(self):
        with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as other:
            path = f"{directory}/other"
            other.bind(path)
            other.listen()
            process = subprocess.Popen([weir_command.WEIR, "top", path, "--once"], stderr=subprocess.PIPE,
                                       env=weir_command.environment())
            connection, _ = other.accept()
            connection.sendall(b"220 hello\r\n")
            connection.recv(1000)
            connection.close()
            self.assertIn(b"weir top", process.communicate(timeout=weir_command.PATIENCE_S)[1])
            self.assertEqual(process.returncode, 1)

    def test_a_proxy_that_cannot_listen_there_does_not_start(self):
        outcome = run("proxy", "--frontend", "router:tcp://127.0.0.1:*", "--backend", "dealer:tcp://127.0.0.1:*",
                      "--inspect", "/nowhere/inspect")
        self.assertEqual((outcome.returncode, outcome.stdout), (1, ""))
        self.assertIn("bind /nowhere/inspect", outcome.stderr)

    def test_tracers_find_the_probes(self):
        headers = [*pathlib.Path("/usr/include").glob("sys/sdt.h"), *pathlib.Path("/usr/include").glob("*/sys/sdt.h")]
        if not headers or not shutil.which("readelf"):
            self.skipTest("built without probes, or no readelf")
        notes = subprocess.run(["readelf", "--notes", "--wide", weir_command.WEIR], capture_output=True, text=True,
                               check=True).stdout
        for name in ("submit", "complete"):
            self.assertRegex(notes, rf"Provider: weir\s+Name: {name}\b")


if __name__ == "__main__":
    weir_command.main()
