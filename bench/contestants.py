"""Who takes part in the benchmark, and one run of one contestant: its processes, pins, time limit and record."""

import json
import os
import random
import selectors
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

RUN_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Contestant:
    key: str  # what --contestants takes
    name: str  # what the table prints
    program: str
    arguments: tuple = ()

    def spinning(self, spin_us):
        return Contestant(f"{self.key}+spin", f"{self.name}, spin {spin_us} us", self.program,
                          self.arguments + ("--spin-us", str(spin_us)))


def weir(key, name, backend, strategy):
    return Contestant(key, f"weir {name}", "weir_router_bench", ("--backend", backend, "--strategy", strategy))


CONTESTANTS = (
    weir("uring-multishot", "io_uring multishot", "uring", "multishot"),
    weir("uring-one-shot", "io_uring one-shot", "uring", "one_shot"),
    weir("epoll-adaptive", "epoll adaptive", "epoll", "adaptive"),
    weir("epoll-speculative", "epoll speculative", "epoll", "speculative"),
    weir("epoll-wait-first", "epoll wait-first", "epoll", "wait_first"),
    Contestant("libzmq", "libzmq 4.3.4", "zmq_router"),
    Contestant("plain-epoll", "plain epoll (C style)", "epoll_router"),
)


@dataclass(frozen=True)
class Case:
    """One heading of the table. Two processes are pinned to a CPU each; the two sides of one only if `pinned`."""
    transport: str
    processes: int
    size_bytes: int
    mode: str = "stream"
    pinned: bool = False

    def __str__(self):
        where = "two pinned processes" if self.processes == 2 else "one process" + (", pinned" if self.pinned else "")
        return f"{self.transport}, {where}, {self.size_bytes:,} B"


class RunFailed(Exception):
    """A contestant is missing, ended with an error, took too long or printed no record."""


@dataclass
class Child:
    """A started process whose output is collected while it runs."""
    process: subprocess.Popen
    label: str
    output: dict = field(default_factory=lambda: {"stdout": b"", "stderr": b""})

    def record(self):
        try:
            return json.loads(self.output["stdout"].decode().strip().splitlines()[-1])
        except (IndexError, ValueError):
            raise RunFailed(f"{self.label}: no record on standard output") from None

    def errors(self):
        return self.output["stderr"].decode(errors="replace").strip() or "nothing on standard error"


class Children:
    """The processes of one run. Leaving the block ends those that still live."""

    def __init__(self):
        self.children = []
        self.deadline = time.monotonic() + RUN_TIMEOUT_S
        self.selector = selectors.DefaultSelector()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in self.children:
            if child.process.poll() is None:
                child.process.kill()
            child.process.wait()
            child.process.stdout.close()
            child.process.stderr.close()
        self.selector.close()

    def start(self, label, command):
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as error:
            raise RunFailed(f"{label}: {error}") from None
        child = Child(process, label)
        self.children.append(child)
        self.selector.register(process.stdout, selectors.EVENT_READ, (child, "stdout"))
        self.selector.register(process.stderr, selectors.EVENT_READ, (child, "stderr"))
        return child

    def wait_until(self, done):
        """Collects output until done() or until all have ended. A child that fails ends the run at once."""
        while not done() and self.selector.get_map():
            ready = self.selector.select(max(0.0, self.deadline - time.monotonic()))
            if not ready:
                said = "; ".join(child.errors() for child in self.children if child.output["stderr"])
                raise RunFailed(f"not finished after {RUN_TIMEOUT_S:.0f} s{': ' if said else ''}{said}")
            for key, _ in ready:
                self._read(key)

    def _read(self, key):
        child, stream = key.data
        data = os.read(key.fd, 65536)
        child.output[stream] += data
        if data:
            return
        self.selector.unregister(key.fileobj)
        still_open = any(k.data[0] is child for k in self.selector.get_map().values())
        if not still_open and child.process.wait() != 0:
            raise RunFailed(f"{child.label}: status {child.process.returncode}: {child.errors()}")


class Arena:
    """Where runs take place: the build's programs, a directory for ipc sockets, free ports."""

    def __init__(self, build):
        self.build = build
        self.directory = tempfile.TemporaryDirectory(prefix="weir-bench-")
        self.runs = 0
        self.cpus = [str(cpu) for cpu in sorted(os.sched_getaffinity(0))[:2]]

    def program(self, contestant):
        for place in ("", "bench", "bench/peers", "bin"):
            path = os.path.join(self.build, place, contestant.program)
            if os.access(path, os.X_OK) and os.path.isfile(path):
                return path
        raise RunFailed(f"{contestant.program} is not in {self.build}")

    def endpoint(self, transport):
        self.runs += 1
        if transport == "ipc":
            return f"ipc://{self.directory.name}/{self.runs}"
        while True:  # below the ephemeral range, so that no outgoing connection takes it in between
            port = random.randrange(20000, 32000)
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            return f"tcp://127.0.0.1:{port}"

    def run(self, contestant, case, messages, warmup, wrap=lambda role, command: command, exchanged=False):
        """One run. Returns the records of its processes, the receiving one first. `exchanged`: of two processes each
        has the CPU that is else the other's."""
        receiving_cpu, sending_cpu = self.cpus[0], self.cpus[-1]
        if exchanged:
            receiving_cpu, sending_cpu = sending_cpu, receiving_cpu
        command = [self.program(contestant), "--transport", case.transport, "--endpoint", self.endpoint(case.transport),
                   "--size", str(case.size_bytes), "--mode", case.mode, "--messages", str(messages),
                   "--warmup", str(warmup), *contestant.arguments]
        with Children() as children:
            if case.processes == 1:
                pin = ["--cpu", self.cpus[0]] if case.pinned else []
                only = children.start(contestant.program, wrap("both", command + ["--role", "both"] + pin))
                children.wait_until(lambda: False)
                return [only.record()]
            receiver = children.start(f"{contestant.program} (receiver)",
                                      wrap("receive", command + ["--role", "receive", "--cpu", receiving_cpu]))
            children.wait_until(lambda: b"ready\n" in receiver.output["stdout"])
            sender = children.start(f"{contestant.program} (sender)",
                                    wrap("send", command + ["--role", "send", "--cpu", sending_cpu]))
            children.wait_until(lambda: False)
            return [receiver.record(), sender.record()]
