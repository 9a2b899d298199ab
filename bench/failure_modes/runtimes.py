"""The runtimes that take part, and one run of one of them."""

import json
import math
import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
GRACE_S = 0.4  # the peer ends so much before the contestant: the last requests have time to be answered
PATIENCE_S = 8
CALM_MS = 5.0  # of a thread beside the clients: a machine on which a thread that only sleeps is later than that says little about runtimes
RUNS_MAX = 3
MEASURED = ("peak_rss_bytes", "cpu_ms", "calls", "orders", "long_handlers", "reported_after_ms")


@dataclass(frozen=True)
class Runtime:
    key: str
    program: str  # a program of the build, or a script beside this one

    def command(self, build):
        """None: it cannot run here."""
        if self.program.endswith(".js"):
            node = shutil.which("node") or shutil.which("nodejs")
            return node and [node, str(HERE / self.program)]
        path = build / "bench" / self.program
        return [str(path)] if path.exists() else None


RUNTIMES = (
    Runtime("weir", "weir_lab"),
    Runtime("Node.js", "node_lab.js"),
    Runtime("libuv", "uv_lab"),
    Runtime("Boost.Asio", "asio_lab"),
)


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def guilt(said):
    """Who was named on stderr, by the program or its runtime without being asked."""
    if "guilty_handler" in said:
        return "function"
    if re.search(r"descriptor \d+", said):
        return "descriptor"
    if re.search(r"task spawned at \S+:\d+: exception", said):
        return "task"
    return "no"


def cpus():
    """Of the contestant, and of its clients: another one where there is one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[-1], set(allowed[:-1] or allowed)


def above_machine(late_ms, began_ns, machine):
    """By how much each beat was later than the machine was meanwhile; those that the machine was not watched in are left out."""
    every_ms = machine["every_ns"] / 1e6
    offset_ms = (began_ns - machine["began_ns"]) / 1e6
    above = []
    for beat, late in enumerate(late_ms, 1):
        first = int((offset_ms + beat) // every_ms)
        excuses = machine["late_ms"][max(first, 0) : int((offset_ms + beat + late) // every_ms) + 1]
        if first >= 0 and excuses:
            above.append(max(0.0, late - max(excuses)))
    return above


def how_it_ended(status):
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def run_once(runtime, command, scenario, seconds, build):
    """One row: what the heartbeat and the clients saw."""
    row = {"scenario": scenario.key, "runtime": runtime.key}
    with tempfile.TemporaryFile("w+") as said:
        cpu, others = cpus()
        contestant = subprocess.Popen(
            command + [scenario.key, str(seconds)], stdout=subprocess.PIPE, stderr=said, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),
        )
        peer = None
        try:
            ports = contestant.stdout.readline().split()
            if len(ports) != 3:
                return row | {"error": "does not start"}
            peer = subprocess.Popen(
                [str(build / "bench" / "lab_peer"), scenario.key, str(seconds - GRACE_S), *ports[1:], str(cpu)],
                stdout=subprocess.PIPE,
                text=True,
                preexec_fn=lambda: os.sched_setaffinity(0, others),
            )
            clients = json.loads(peer.communicate(timeout=seconds + PATIENCE_S)[0])
            record = contestant.communicate(timeout=PATIENCE_S)[0]
        except (subprocess.TimeoutExpired, json.JSONDecodeError) as failed:
            return row | {"error": str(failed)}
        finally:
            for process in (contestant, peer):
                if process and process.poll() is None:
                    process.kill()
                    process.wait()
        said.seek(0)
        text = said.read()
    machine = clients.pop("machine")
    row |= clients | {"named": guilt(text), "said": text, "machine_max_ms": max(machine["late_ms"], default=0.0)}
    row["machine_is_first"] = machine["is_first"]
    if not record.strip():
        return row | {"died": how_it_ended(contestant.returncode)}
    measured = json.loads(record)
    late = measured["late_ms"]
    ordered = sorted(late)
    row |= {"p50_ms": percentile(ordered, 0.5), "p99_ms": percentile(ordered, 0.99), "max_ms": ordered[-1]}
    row |= {key: measured.get(key) for key in MEASURED}
    above = above_machine(late, measured["began_ns"], machine)
    row["above_max_ms"] = max(above, default=None)
    if "other_late_ms" in measured:
        above = above_machine(measured["other_late_ms"], measured["other_began_ns"], machine)
        row["other_above_max_ms"] = max(above, default=None)
    return row | {"late_ms": late}


def run(runtime, command, scenario, seconds, build, may_repeat):
    """The calmest of up to three runs: one more is made while the machine stood still itself and `may_repeat`."""
    best = None
    for _ in range(RUNS_MAX):
        row = run_once(runtime, command, scenario, seconds, build)
        if best is None or row.get("beside_p99_ms", math.inf) < best.get("beside_p99_ms", math.inf):
            best = row
        if best.get("beside_p99_ms", math.inf) <= CALM_MS or not may_repeat():
            break
    return best
