"""Compares each contestant's own count of system calls with the kernel's tracepoints, read by perf."""

import os
import subprocess

from contestants import Case, RunFailed

# What the kernel counts, by the counter of ours that it must agree with.
GROUPS = {
    "syscalls": ("raw_syscalls:sys_enter",),
    "recv_calls": ("syscalls:sys_enter_recvfrom", "syscalls:sys_enter_recvmsg", "syscalls:sys_enter_readv"),
    "send_calls": ("syscalls:sys_enter_sendto", "syscalls:sys_enter_sendmsg", "syscalls:sys_enter_writev"),
    "waits": ("syscalls:sys_enter_epoll_wait", "syscalls:sys_enter_epoll_pwait", "syscalls:sys_enter_epoll_pwait2",
              "syscalls:sys_enter_poll", "syscalls:sys_enter_ppoll"),
    "io_uring_enter": ("syscalls:sys_enter_io_uring_enter",),
}
MESSAGES, WARMUP = 2_000_000, 20_000
TOLERANCE_CALLS, TOLERANCE_SHARE = 20, 0.01


class PerfRun:
    """Runs each process of a contestant under `perf stat` and reads what it counted."""

    def __init__(self, arena):
        self.arena = arena
        self.files = {}

    def wrap(self, role, command):
        self.files[role] = os.path.join(self.arena.directory.name, f"perf-{role}")
        events = [flag for events in GROUPS.values() for event in events for flag in ("-e", event)]
        return ["perf", "stat", "-x", ",", "-o", self.files[role], *events, "--", *command]

    def counted(self, role):
        calls = {}
        with open(self.files[role], encoding="utf-8") as lines:
            for line in lines:
                fields = line.split(",")
                if len(fields) > 2 and fields[0].isdigit():
                    calls[fields[2]] = int(fields[0])
        return {group: sum(calls.get(event, 0) for event in events) for group, events in GROUPS.items()}


def counts_of(arena, contestant, case, messages):
    """role -> (what perf counted over the whole process, what the process says of itself)"""
    perf = PerfRun(arena)
    records = arena.run(contestant, case, messages, WARMUP, wrap=perf.wrap)
    return {r["role"]: (perf.counted(r["role"]), r) for r in records}


def compare(arena, contestant, case):
    """The process as a whole does more than its measured section, and that part is the same with twice the
    messages: so the differences between two runs are compared."""
    once = counts_of(arena, contestant, case, MESSAGES)
    twice = counts_of(arena, contestant, case, 2 * MESSAGES)
    for role, (seen_once, own_once) in once.items():
        seen_twice, own_twice = twice[role]
        row = {"contestant": f"{contestant.name}, {role}", "transport": case.transport, "messages": MESSAGES}
        for group in GROUPS:
            own = None
            if own_once.get(group) is not None:
                own = own_twice[group] - own_once[group]
            row[group] = {"perf": seen_twice[group] - seen_once[group], "own": own}
        yield row


def agrees(row):
    seen, own = row["syscalls"]["perf"], row["syscalls"]["own"]
    return None if own is None else abs(seen - own) <= max(TOLERANCE_CALLS, TOLERANCE_SHARE * seen)


def column(group, source):
    def cell(row):
        value = row[group][source]
        return None if value is None else f"{value:,}"
    return cell


COLUMNS = (
    *((f"{group} {source}", column(group, source)) for group in ("syscalls", "recv_calls", "send_calls", "waits")
      for source in ("perf", "own")),
    ("io_uring_enter perf", column("io_uring_enter", "perf")),
    ("perf syscalls/msg", lambda r: f"{r['syscalls']['perf'] / r['messages']:.5f}"),
    ("agree", lambda r: {None: "-", True: "yes", False: "NO"}[r["agree"]]),
)


def verify_counters(benchmark):
    try:
        subprocess.run(["perf", "stat", "-e", "raw_syscalls:sys_enter", "true"], check=True, capture_output=True,
                       timeout=10)
    except (OSError, subprocess.SubprocessError) as error:
        benchmark.failed("perf", "a trial", str(error))
        return []
    all_rows = []
    for transport in benchmark.options.transports:
        case = Case(transport, 2, 64)
        rows = []
        for contestant in benchmark.chosen():
            benchmark.progress(f"perf, {case}: {contestant.name}")
            try:
                rows += compare(benchmark.arena, contestant, case)
            except RunFailed as error:
                benchmark.failed(contestant.name, f"{case}, perf", str(error))
                rows.append({"contestant": contestant.name, "transport": transport, "error": str(error)})
        for row in rows:
            if "error" in row:
                continue
            row["agree"] = agrees(row)
            if row["agree"] is False:
                benchmark.failed(row["contestant"], str(case), f"{row['syscalls']['own']:,} system calls by its own "
                                 f"count, {row['syscalls']['perf']:,} by perf")
        benchmark.show(f"system calls of {MESSAGES:,} messages, {case}", COLUMNS, rows)
        all_rows += rows
    return all_rows
