"""Rows as text and as JSON, and weir's bars."""

from runtimes import CALM_MS

MIB = 1 << 20
COLUMNS = ("", "p50 ms", "p99 ms", "max ms", "RSS MiB", "CPU ms", "requests", "lost", "machine max", "above it",
           "beside p99", "guilty named", "")


def cells(row):
    def number(key, how="{:.2f}", scale=1.0):
        return how.format(row[key] / scale) if row.get(key) is not None else "-"

    note = row.get("error") or row.get("died") or ""
    if row.get("calls") is not None:
        note = f"{row['calls']:,} calls of the watcher"
    if row.get("orders") is not None:
        note = f"orders seen: {row['orders']}"
    if row.get("reported_after_ms"):
        note = f"reported {', '.join(f'{ms:.0f}' for ms in row['reported_after_ms'])} ms after it began"
    if row.get("other_above_max_ms") is not None:
        note += f"; another loop was at most {row['other_above_max_ms']:.2f} ms later than the machine"
    return (
        row["runtime"],
        number("p50_ms"),
        number("p99_ms"),
        number("max_ms"),
        number("peak_rss_bytes", "{:.1f}", MIB),
        number("cpu_ms", "{:.0f}"),
        number("requests", "{:.0f}"),
        number("lost", "{:.0f}"),
        number("machine_max_ms"),
        number("above_max_ms"),
        number("beside_p99_ms"),
        row.get("named", "-"),
        note,
    )


def table(scenario, rows):
    lines = [COLUMNS, *map(cells, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    left = (0, len(COLUMNS) - 2, len(COLUMNS) - 1)
    print(f"\n{scenario.key}  {scenario.title}")
    for line in lines:
        shown = (c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths)))
        print("  " + "  ".join(shown).rstrip(), flush=True)


def bars(scenario, rows):
    """What weir promises here: (words, whether it was kept; None: the machine was too restless to say)."""
    row = next((r for r in rows if r["runtime"] == "weir"), None)
    if row is None:
        return
    is_restless = "error" not in row and "died" not in row and row["beside_p99_ms"] > CALM_MS
    for key, bar, words, scale in (
        ("p99_ms", scenario.p99_ms_max, "the heartbeat's p99 is under {:g} ms", 1),
        ("peak_rss_bytes", scenario.rss_bytes_max, "memory stays under {:g} MiB", MIB),
        ("lost", scenario.lost_max, "lost requests: at most {:g}", 1),
        ("above_max_ms", scenario.above_ms_max, "the heartbeat is never more than {:g} ms later than the machine", 1),
        ("other_above_max_ms", scenario.other_above_ms_max, "another loop's neither: {:g} ms", 1),
    ):
        if bar is not None:
            is_kept = row.get(key) is not None and row[key] <= bar
            is_load_bound = key == "peak_rss_bytes"  # kept easily where the peers hardly ran
            yield f"{scenario.key}: {words.format(bar / scale)}", None if is_restless and (not is_kept or is_load_bound) else is_kept
    if scenario.reported_ms_max is not None:
        after = row.get("reported_after_ms") or []
        is_kept = len(after) == row.get("long_handlers") and max(after, default=0) <= scenario.reported_ms_max
        words = f"each is reported at most {scenario.reported_ms_max:g} ms after it began, while it lasts"
        yield f"{scenario.key}: {words}", None if is_restless and not is_kept else is_kept
    if scenario.is_named:
        is_kept = row.get("named", "no") != "no"
        yield f"{scenario.key}: somebody says who is guilty", None if is_restless and not is_kept else is_kept


def json_row(row):
    """Without the beats: the pictures have them."""
    return {key: value for key, value in row.items() if key not in ("late_ms", "said")}
