#!/usr/bin/python3
"""compare.py [--build DIR] [--file PATH] [--seconds N] [--rounds N]

Random reads of 4 KiB at depth 32 from a file of 256 MiB, from the page cache and past it: weir on io_uring and on
epoll, in turn with fio's io_uring engine, round after round, so that a change of the machine's mood meets all.
Prints the median reads a second of each, the CPU time a read (the kernel's workers and start-up included), the ratio
to fio; and how late a timer of 1 kHz on weir's loop was, how late the machine itself was in the same moments on the
same CPU (a thread that comes before everybody and only sleeps), and by how much the timer was later than that.

Goals: at least 0.8 of fio on io_uring; on epoll (files on threads) the timer at most 2 ms later than the
machine while the disk is busy. fio is a Debian package (apt-get install fio); without it the script says so and measures weir alone.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FILE_BYTES = 256 << 20
BLOCK_BYTES = 4096
DEPTH = 32


def make_file(path):
    if path.exists() and path.stat().st_size == FILE_BYTES:
        return
    with open(path, "wb") as out: # bytes that no file system leaves out
        for _ in range(FILE_BYTES >> 20):
            out.write(os.urandom(1 << 20))
        os.fsync(out.fileno())


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command):
    """What the last line that begins an object says, and the CPU time that the program took."""
    before = cpu_seconds()
    # A session of its own for each: fio's job has one, and the scheduler shares a busy machine out among sessions.
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, start_new_session=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout[done.stdout.index("{"):]), cpu_seconds() - before


def run_weir(program, options, mode, backend):
    command = [program, options.file, str(options.seconds), str(DEPTH), str(BLOCK_BYTES), mode, backend]
    found, cpu_s = run(command)
    watched, _ = run(command + ["watched"]) # watching the machine takes time from it: those reads do not count
    return watched | {"iops": found["iops"], "cpu_us": cpu_s * 1e6 / max(found["reads"], 1)}


def run_fio(options, mode):
    found, cpu_s = run(["fio", "--name=random", f"--filename={options.file}", "--rw=randread", f"--bs={BLOCK_BYTES}",
                f"--iodepth={DEPTH}", "--ioengine=io_uring", f"--direct={int(mode == 'direct')}", "--invalidate=0",
                "--time_based", f"--runtime={options.seconds}", f"--size={FILE_BYTES}", "--output-format=json"])
    read = found["jobs"][0]["read"]
    return {"iops": read["iops"], "cpu_us": cpu_s * 1e6 / max(read["total_ios"], 1)}


def warm(path):
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def measure(options, mode):
    """All contestants in turn; for each the list of its outcomes."""
    program = options.build / "weir_random_read"
    contestants = {"weir io_uring": lambda: run_weir(program, options, mode, "io_uring"),
                   "weir epoll": lambda: run_weir(program, options, mode, "epoll")}
    if shutil.which("fio"):
        contestants["fio io_uring"] = lambda: run_fio(options, mode)
    outcomes = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name, contestant in contestants.items():
            warm(options.file)
            outcomes[name].append(contestant())
    return outcomes


def report(mode, outcomes):
    median = {name: statistics.median(each["iops"] for each in runs) for name, runs in outcomes.items()}
    print(f"{mode}: 4 KiB, depth {DEPTH}")
    for name, iops in median.items():
        cpu_us = statistics.median(each["cpu_us"] for each in outcomes[name])
        line = f"  {name:<14} {iops:>9.0f} reads/s {cpu_us:>6.1f} us CPU a read"
        if "fio io_uring" in median and name != "fio io_uring":
            line += f"   {iops / median['fio io_uring']:5.2f} of fio"
        if "late_max_ms" in outcomes[name][0]:
            line += "   p99 and most ms:"
            for who, words in (("late", "timer"), ("machine", "machine"), ("above", "timer above machine")):
                p99 = statistics.median(each[f"{who}_p99_ms"] for each in outcomes[name])
                worst = max(each[f"{who}_max_ms"] for each in outcomes[name])
                line += f" {words} {p99:.3f} {worst:.3f};"
            line = line.rstrip(";")
        print(line)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release/bench")
    arguments.add_argument("--file", type=pathlib.Path, default=pathlib.Path("/var/tmp/weir-random-read"))
    arguments.add_argument("--seconds", type=int, default=2)
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    if not shutil.which("fio"):
        print("fio is missing (apt-get install fio): weir is measured alone", file=sys.stderr)
    make_file(options.file)
    try:
        for mode in ("cached", "direct"):
            report(mode, measure(options, mode))
    finally:
        options.file.unlink()


if __name__ == "__main__":
    main()
