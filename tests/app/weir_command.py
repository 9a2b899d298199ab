"""The `weir` command as tests drive it: started, read line by line, and never left running."""
import json
import os
import pathlib
import selectors
import signal
import subprocess
import sys
import time
import unittest

WEIR = os.environ.get("WEIR_COMMAND", "weir")
PATIENCE_S = 60
SOURCE_DIR = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77
SANITIZED = bool(os.environ.get("WEIR_SANITIZE"))


def environment(**changes):
    """This environment without what overrides weir's choice, and with `changes`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WEIR_BACKEND", "WEIR_CAPAB"))}
    return kept | changes


def run(*arguments, **changes):
    return subprocess.run([WEIR, *arguments], capture_output=True, text=True, timeout=PATIENCE_S,
                          env=environment(**changes))


class Proxy:
    """A running `weir proxy --json`. Leaving the `with` block kills it if it still runs."""

    def __init__(self, *arguments, frontend="router:tcp://127.0.0.1:*", backend="dealer:tcp://127.0.0.1:*", **changes):
        command = [WEIR, "proxy", "--json", "--frontend", frontend, "--backend", backend, *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=environment(**changes))
        self.unread = b""
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        try:
            ready = self.wait_for("ready")
        except BaseException:
            self.__exit__()
            raise
        self.frontend, self.backend = ready["frontend"][0], ready["backend"][0]
        self.clients_max = ready["clients_max"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.selector.close()
        self.process.stdout.close()
        self.process.stderr.close()

    def next_event(self, deadline):
        while b"\n" not in self.unread:
            assert self.selector.select(max(0, deadline - time.monotonic())), "the proxy says nothing"
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, f"the proxy has ended: {self.process.stderr.read().decode()}"
            self.unread += piece
        line, self.unread = self.unread.split(b"\n", 1)
        return json.loads(line)

    def wait_for(self, event, condition=lambda told: True):
        """The next line of that kind for which the condition holds; AssertionError when it takes too long."""
        deadline = time.monotonic() + PATIENCE_S
        told = {"event": None}
        while told["event"] != event or not condition(told):
            assert time.monotonic() < deadline, f"waiting for {event}; the last line: {told}"
            told = self.next_event(deadline)
        return told

    def wait_for_peers(self, frontend, backend):
        self.wait_for("counters", lambda told: (told["frontend_peers"], told["backend_peers"]) == (frontend, backend))

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        return self.process.wait(PATIENCE_S)

    def rss_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    unittest.main(module=sys.modules["__main__"], verbosity=2)
