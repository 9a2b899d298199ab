#!/usr/bin/env python3
"""Prints the message benchmark of weir, libzmq and a plain reactor: see README.md beside this file."""

import argparse
import json
import sys

import report
import verify
from contestants import CONTESTANTS, Arena, Case
from measure import measure

RUN_S = 0.2  # how long a measured run lasts
QUICK_RUN_S = 0.05
SPIN_US = 50
FULL_SIZE_BYTES = 64  # every contestant, one process and two
REDUCED = ("uring-multishot", "epoll-adaptive", "libzmq")  # the other sizes, unless chosen
ROUND_TRIP = REDUCED + ("plain-epoll",)  # which shows what the kernel's wake-ups alone take
ROUND_TRIPS = 1000
SIDE_BLOCK_RUNS_MAX = 3  # for the round trips and the original shape, whose figures scatter less


class Benchmark:
    """Runs the blocks that were asked for, prints each when it is done, and keeps the rows for JSON."""

    def __init__(self, options, text, progress, failed):
        self.options, self.text, self.progress, self.failed = options, text, progress, failed
        self.arena = Arena(options.build)
        self.runs = 1 if options.quick else options.runs
        self.side_block_runs = min(self.runs, SIDE_BLOCK_RUNS_MAX)
        self.target_s = QUICK_RUN_S if options.quick else RUN_S
        self.blocks = {"rows": [], "latency": [], "original": []}

    def chosen(self, keys=None):
        """The contestants to run; `keys` is the default choice of a block."""
        keys = self.options.contestants or keys
        return [c for c in CONTESTANTS if keys is None or c.key in keys]

    def measure(self, case, contestants, runs, **more):
        return measure(self.arena, case, contestants, runs, self.target_s, self.progress, self.failed, **more)

    def show(self, title, columns, rows):
        self.progress("")
        if self.text:
            self.text.table(title, columns, rows)

    def stream(self):
        for size_bytes in self.options.sizes:
            full = size_bytes == FULL_SIZE_BYTES
            contestants = self.chosen(None if full else REDUCED)
            for transport in self.options.transports:
                for processes in (1, 2) if full else (1,):
                    case = Case(transport, processes, size_bytes, pinned=self.options.pin)
                    rows = self.measure(case, contestants, self.runs)
                    report.add_ratios(rows, "messages_per_s")
                    self.show(str(case), report.STREAM_COLUMNS, rows)
                    self.blocks["rows"] += [report.stream_object(row, case) for row in rows]

    def pingpong(self):
        chosen = self.chosen(ROUND_TRIP)
        spinning = [c.spinning(SPIN_US) for c in chosen if c.key != "libzmq"]  # which cannot
        for transport in self.options.transports:
            case = Case(transport, 2, FULL_SIZE_BYTES, "pingpong")
            rows = self.measure(case, chosen + spinning, self.side_block_runs, fixed_messages=ROUND_TRIPS)
            report.add_ratios(rows, "latency_p50_ns")
            self.show(f"round trips, {case}", report.LATENCY_COLUMNS, rows)
            self.blocks["latency"] += [report.latency_object(row, case) for row in rows]

    def original(self):
        for transport in self.options.transports:
            case = Case(transport, 1, FULL_SIZE_BYTES, "original", self.options.pin)
            # The mode has its own numbers: this one is ignored.
            rows = self.measure(case, self.chosen(), self.side_block_runs, fixed_messages=1)
            self.show(f"1,000 round trips, then 3,600 messages one way, {case} (the reference analysis: "
                      f"{report.REFERENCE_RECV_CALLS:,} recv calls, {report.REFERENCE_EAGAIN:,} EAGAIN)",
                      report.ORIGINAL_COLUMNS, rows)
            self.blocks["original"] += [report.original_object(row, case) for row in rows]


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def listed(kind, known=None):
    def parse(text):
        values = [kind(part) for part in text.split(",")]
        unknown = [v for v in values if known is not None and v not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]}: not one of {', '.join(known)}")
        return values
    return parse


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--build", required=True, metavar="DIR", help="the build directory with the contestants' programs")
    add("--json", action="store_true", help="one JSON object on standard output and nothing else")
    add("--quick", action="store_true", help="one short run each: does everything work?")
    add("--sizes", type=listed(positive), default=[64, 1024, 65536], metavar="BYTES,...")
    add("--transports", type=listed(str, ("tcp", "ipc")), default=["tcp", "ipc"], metavar="tcp,ipc")
    add("--pin", action="store_true", help="pin the two sides of one process to a CPU each, too")
    add("--runs", type=positive, default=6, help="runs of each contestant (default 6)")
    add("--contestants", type=listed(str, [c.key for c in CONTESTANTS]), metavar="KEY,...",
        help="of " + ", ".join(c.key for c in CONTESTANTS))
    add("--mode", choices=("stream", "pingpong", "original"), help="this block only")
    add("--verify-counters", action="store_true",
        help="compare each program's own count of system calls with the kernel's (perf, root)")
    return parser.parse_args()


def main():
    options = parse_options()
    failures = set()
    interactive = sys.stderr.isatty()

    def progress(what):
        if interactive:
            print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)

    def failed(contestant, where, error):
        if (contestant, error) in failures:
            return
        failures.add((contestant, error))
        progress("")
        print(f"bench: {contestant} ({where}): {error}", file=sys.stderr)

    text = None if options.json else report.Text(sys.stdout)
    machine = report.machine()
    if text:
        text.header(machine)
    benchmark = Benchmark(options, text, progress, failed)
    if options.verify_counters:
        blocks = {"counters": verify.verify_counters(benchmark)}
    else:
        for mode in ("stream", "pingpong", "original"):
            if options.mode in (None, mode):
                getattr(benchmark, mode)()
        blocks = benchmark.blocks
    progress("")
    if options.json:
        print(json.dumps({"machine": machine, **blocks}))
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
