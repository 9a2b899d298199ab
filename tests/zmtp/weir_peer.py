"""A weir socket in a process of its own, and the sockets of libzmq that talk to it."""
import functools
import os
import pathlib
import selectors
import subprocess
import tempfile
import time
import unittest

import zmq

PROGRAM = pathlib.Path(os.environ.get("WEIR_TEST_BINARY_DIR", "."), "weir_zmtp_peer")
PATIENCE_S = 60

# What may talk to what: each kind of weir socket with each of libzmq.
PAIRS = [("router", zmq.DEALER), ("router", zmq.ROUTER), ("dealer", zmq.DEALER), ("dealer", zmq.ROUTER)]


@functools.cache
def transports():
    """Those that the peer's system has."""
    with tempfile.TemporaryDirectory() as folder:
        command = [PROGRAM, "router", "bind", f"ipc://{folder}/socket", "echo"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as peer:
            is_bound = peer.stdout.readline()
            peer.kill()
            refusal = b"" if is_bound else peer.stderr.readline()
    return ("tcp",) if b"Address family not supported" in refusal else ("tcp", "ipc")


class Peer:
    """A running weir_zmtp_peer (peer_main.cpp)."""

    def __init__(self, kind, role, endpoint, action, **environment):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
        self.process = subprocess.Popen([PROGRAM, kind, role, endpoint, action], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, bufsize=0, env=kept | environment)
        self.unread = b""
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        try:
            self.endpoint = self.line().decode().strip()
        except AssertionError:
            self.kill()
            raise

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.selector.close()
        self.process.stdin.close()
        self.process.stdout.close()

    def read_until(self, is_enough):
        deadline = time.monotonic() + PATIENCE_S
        pieces = [self.unread]
        while not is_enough(pieces):
            assert self.selector.select(max(0, deadline - time.monotonic())), "the peer says nothing"
            pieces.append(os.read(self.process.stdout.fileno(), 1 << 20))
            assert pieces[-1], "the peer has ended"
        return b"".join(pieces)

    def line(self):
        line, self.unread = self.read_until(lambda pieces: b"\n" in pieces[-1]).split(b"\n", 1)
        return line

    def printed(self):
        """The next message that it prints: how many parts it had, and the last of them."""
        parts, size = map(int, self.line().split())
        text = self.read_until(lambda pieces: sum(map(len, pieces)) >= size)
        self.unread = text[size:]
        return parts, text[:size]

    def tell(self, line=b"go"):
        self.process.stdin.write(line + b"\n")


class InteropTest(unittest.TestCase):
    environment = {}

    def setUp(self):
        self.context = zmq.Context()
        self.context.max_sockets = 3000
        self.sockets = []  # which must not be collected before they are closed
        self.addCleanup(self.context.destroy, linger=0)

    def socket(self, kind, **options):
        made = self.context.socket(kind)
        self.sockets.append(made)
        made.linger = 0
        made.sndtimeo = made.rcvtimeo = 1000 * PATIENCE_S
        for name, value in options.items():
            setattr(made, name, value)
        return made

    def peer(self, kind, role, endpoint, action):
        made = Peer(kind, role, endpoint, action, **self.environment)
        self.addCleanup(made.kill)
        return made

    def peer_again(self, kind, endpoint, action):
        """One in the place of one that was killed. The kernel closes what an io_uring of a process held a moment after
        the process is gone, and until then the endpoint is in use."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                return self.peer(kind, "bind", endpoint, action)
            except AssertionError:
                pass
        self.fail(f"{endpoint} stays in use")

    def folder(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        return made.name

    def any_endpoint(self, transport):
        return "tcp://127.0.0.1:*" if transport == "tcp" else f"ipc://{self.folder()}/socket"

    def connected_to_echo(self, weir_kind, own_kind, weir_role, transport):
        """A socket whose messages come back, and what it has to put in front of them."""
        own = self.socket(own_kind, sndhwm=0)  # libzmq's ROUTER drops what is above its mark
        if weir_role == "bind":
            own.connect(self.peer(weir_kind, "bind", self.any_endpoint(transport), "echo").endpoint)
        else:
            own.bind(self.any_endpoint(transport))
            self.peer(weir_kind, "connect", own.last_endpoint.decode(), "echo")
        envelope = [b"weir"] if own_kind == zmq.ROUTER else []
        self.assertEqual(own.recv_multipart(), envelope + [b""], "the probe of a new connection")
        return own, envelope
