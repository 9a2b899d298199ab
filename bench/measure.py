"""From runs to figures: how many messages a run takes, the order of runs, and what is kept of them."""

import statistics

from contestants import RunFailed

CALIBRATION_S = 0.03  # a run of at least this length says how many messages the real ones take


def calibrate(arena, contestant, case, target_s):
    """The number of messages with which a run of this contestant lasts about target_s."""
    messages = 500 if case.mode == "pingpong" else max(1_000, 50_000 * 64 // max(case.size_bytes, 64))
    while True:
        seconds = arena.run(contestant, case, messages, messages // 10)[0]["seconds"]
        if seconds >= CALIBRATION_S:
            return max(1, int(messages * target_s / seconds))
        messages = int(messages * min(20.0, 1.5 * CALIBRATION_S / max(seconds, 1e-6))) + 1


def figures(records):
    """One run's figures, over its one or two processes."""
    receiver, sender = records[0], records[-1]
    messages = receiver["messages"]
    syscalls = [r["syscalls"] for r in records]
    return {
        "messages": messages,
        "messages_per_s": receiver["messages_per_s"],
        "cpu_ns_per_message": sum(r["cpu_ns"] for r in records) / messages,
        "recv_calls": receiver["recv_calls"],
        "recv_per_message": receiver["recv_calls"] / messages,
        "eagain": receiver["eagain"],
        "waits": receiver["waits"],
        "bytes_per_recv": receiver["bytes_received"] / receiver["recv_calls"] if receiver["recv_calls"] else None,
        "peak_rss_bytes": sum(r["peak_rss_bytes"] for r in records),
        "syscalls_per_message": None if None in syscalls else sum(syscalls) / messages,
        "latency_p50_ns": sender["latency_p50_ns"],
        "latency_p99_ns": sender["latency_p99_ns"],
    }


def spread(values):
    return {"min": min(values), "median": statistics.median_low(values), "max": max(values)}


def summary(runs):
    """Calls, waits and bytes are those of the run with the median rate, so that they belong together; EAGAIN and
    memory are the worst of all runs, CPU time is the median of its own."""
    by_rate = sorted(runs, key=lambda run: run["messages_per_s"])
    row = dict(by_rate[(len(by_rate) - 1) // 2])
    row["messages_per_s"] = spread([run["messages_per_s"] for run in runs])
    row["cpu_ns_per_message"] = statistics.median_low([run["cpu_ns_per_message"] for run in runs])
    for worst in ("eagain", "peak_rss_bytes"):
        row[worst] = max(run[worst] for run in runs)
    if row["latency_p50_ns"] is not None:
        for percentile in ("latency_p50_ns", "latency_p99_ns"):
            row[percentile] = spread([run[percentile] for run in runs])
    return row


def measure(arena, case, contestants, runs, target_s, progress, failed, fixed_messages=None):
    """A row for each contestant: its name and its summary, or its error. The contestants take turns, so that a
    change of the machine's mood meets all of them; every other turn the two processes exchange their CPUs, so that a
    CPU that a neighbour slows down meets both sides."""
    messages, results, errors = {}, {c: [] for c in contestants}, {}

    def attempt(contestant, act):
        if contestant in errors:
            return
        progress(f"{case}: {contestant.name}")
        try:
            act(contestant)
        except RunFailed as error:
            errors[contestant] = str(error)
            failed(contestant.name, f"{case}, {case.mode}", str(error))

    def calibrate_one(contestant):
        messages[contestant] = fixed_messages or calibrate(arena, contestant, case, target_s)

    def run_one(contestant):
        n = messages[contestant]
        warmup = 0 if case.mode == "original" else n // 10
        exchanged = len(results[contestant]) % 2 == 1
        results[contestant].append(figures(arena.run(contestant, case, n, warmup, exchanged=exchanged)))

    for contestant in contestants:
        attempt(contestant, calibrate_one)
    for _ in range(runs):
        for contestant in contestants:
            attempt(contestant, run_one)
    return [{"contestant": c.name, "error": errors[c]} if c in errors else {"contestant": c.name, **summary(results[c])}
            for c in contestants]
