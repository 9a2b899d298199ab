"""The figures as text for people, or as one JSON object."""

import os
import platform
import time

REQUIRED = ("contestant", "transport", "processes", "size_bytes", "messages_per_s", "ratio_to_libzmq",
            "cpu_ns_per_message", "recv_calls", "recv_per_message", "eagain", "waits", "bytes_per_recv",
            "peak_rss_bytes")
REFERENCE_RECV_CALLS, REFERENCE_EAGAIN = 5625, 2007  # the analysed reactor that had been turned into a proactor


def read_first_line(path, starts_with=""):
    try:
        with open(path, encoding="utf-8") as lines:
            return next((line.strip() for line in lines if line.startswith(starts_with)), "unknown")
    except OSError:
        return "unknown"


def machine():
    return {
        "cpu": read_first_line("/proc/cpuinfo", "model name").partition(": ")[2] or platform.machine(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "tcp_congestion_control": read_first_line("/proc/sys/net/ipv4/tcp_congestion_control"),
        "load_average_1_min": os.getloadavg()[0],
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def add_ratios(rows, figure):
    """Each row's median of `figure`, and its CPU time, over libzmq's in the same rows; None where one is missing."""
    base = next((r for r in rows if r["contestant"].startswith("libzmq") and "error" not in r), None)
    for row in rows:
        comparable = base is not None and "error" not in row
        row["ratio_to_libzmq"] = row[figure]["median"] / base[figure]["median"] if comparable else None
        row["cpu_ratio_to_libzmq"] = row["cpu_ns_per_message"] / base["cpu_ns_per_message"] if comparable else None


def stream_object(row, case):
    row = {**row, "transport": case.transport, "processes": case.processes, "size_bytes": case.size_bytes}
    extra = ("cpu_ratio_to_libzmq", "syscalls_per_message", "messages", "error")
    return {**{k: row.get(k) for k in REQUIRED}, **{k: row[k] for k in extra if k in row}}


def latency_object(row, case):
    return {"contestant": row["contestant"], "transport": case.transport, "processes": case.processes,
            "size_bytes": case.size_bytes, "p50_ns": row.get("latency_p50_ns"), "p99_ns": row.get("latency_p99_ns"),
            "ratio_to_libzmq": row["ratio_to_libzmq"], **({"error": row["error"]} if "error" in row else {})}


def original_object(row, case):
    keys = ("contestant", "recv_calls", "eagain", "waits", "error")
    return {"transport": case.transport, **{k: row[k] for k in keys if k in row}}


class Text:
    """Aligned columns; colour only where the output is a terminal."""

    def __init__(self, out):
        self.out = out
        self.coloured = out.isatty() and "NO_COLOR" not in os.environ

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.coloured else text

    def line(self, text=""):
        print(text, file=self.out, flush=True)

    def header(self, facts):
        self.line(self.paint("1", "weir message benchmark: ROUTER to ROUTER"))
        self.line(f"{facts['cpu']}, {facts['cpus']} CPUs, Linux {facts['kernel']}, tcp congestion control "
                  f"{facts['tcp_congestion_control']}, load {facts['load_average_1_min']:.2f}, {facts['date']}")

    def table(self, title, columns, rows):
        """`columns`: (heading, cell of row). Numbers are right-aligned; the first column is the contestant."""
        cells = [[self._cell(cell, row) for _, cell in columns] for row in rows]
        widths = [max(len(heading), *(len(line[i]) for line in cells)) for i, (heading, _) in enumerate(columns)]
        name_width = max(24, *(len(row["contestant"]) for row in rows))
        self.line()
        self.line(self.paint("1", title))
        self.line(" " * name_width + "".join(f"  {heading:>{w}}" for (heading, _), w in zip(columns, widths)))
        for row, line in zip(rows, cells):
            name = f"{row['contestant']:<{name_width}}"
            if "error" in row:
                self.line(self.paint("31", f"{name}  failed: {row['error']}"))
            else:
                self.line(name + "".join(f"  {text:>{w}}" for text, w in zip(line, widths)))

    @staticmethod
    def _cell(cell, row):
        if "error" in row:
            return ""
        value = cell(row)
        return "-" if value is None else value


def when(value, form):
    return None if value is None else format(value, form)


STREAM_COLUMNS = (
    ("k msg/s min", lambda r: f"{r['messages_per_s']['min'] / 1e3:,.1f}"),
    ("median", lambda r: f"{r['messages_per_s']['median'] / 1e3:,.1f}"),
    ("max", lambda r: f"{r['messages_per_s']['max'] / 1e3:,.1f}"),
    ("x libzmq", lambda r: when(r["ratio_to_libzmq"], ".2f")),
    ("CPU ns/msg", lambda r: f"{r['cpu_ns_per_message']:,.1f}"),
    ("x libzmq", lambda r: when(r["cpu_ratio_to_libzmq"], ".3f")),
    ("recv calls", lambda r: f"{r['recv_calls']:,}"),
    ("recv/msg", lambda r: f"{r['recv_per_message']:.5f}"),
    ("EAGAIN", lambda r: f"{r['eagain']:,}"),
    ("waits", lambda r: f"{r['waits']:,}"),
    ("B/recv", lambda r: when(r["bytes_per_recv"], ",.0f")),
    ("calls/msg", lambda r: when(r["syscalls_per_message"], ".5f")),
    ("RSS MiB", lambda r: f"{r['peak_rss_bytes'] / 2**20:,.1f}"),
)

LATENCY_COLUMNS = (
    ("p50 us min", lambda r: f"{r['latency_p50_ns']['min'] / 1e3:.1f}"),
    ("median", lambda r: f"{r['latency_p50_ns']['median'] / 1e3:.1f}"),
    ("max", lambda r: f"{r['latency_p50_ns']['max'] / 1e3:.1f}"),
    ("p99 us median", lambda r: f"{r['latency_p99_ns']['median'] / 1e3:.1f}"),
    ("p50 x libzmq", lambda r: when(r["ratio_to_libzmq"], ".3f")),
    ("CPU ns/trip", lambda r: f"{r['cpu_ns_per_message']:,.0f}"),
)

ORIGINAL_COLUMNS = (
    ("recv calls", lambda r: f"{r['recv_calls']:,}"),
    ("EAGAIN", lambda r: f"{r['eagain']:,}"),
    ("waits", lambda r: when(r["waits"], ",")),
)
