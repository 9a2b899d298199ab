"""One picture a scenario: how late the heartbeat was, over time, a line a runtime. Plain SVG."""

import math
from html import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 900, 360, 60, 40, 120, 40
LOWEST_MS, HIGHEST_MS = 0.01, 2000
SLICE_BEATS = 10  # a point is the worst of so many beats
COLOURS = {"weir": "#0b6e4f", "Node.js": "#c8553d", "libuv": "#3d5a98", "Boost.Asio": "#b8860b"}


def height_of(late_ms):
    share = math.log(min(max(late_ms, LOWEST_MS), HIGHEST_MS) / LOWEST_MS) / math.log(HIGHEST_MS / LOWEST_MS)
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def points(late, beats_max):
    for begin in range(0, len(late), SLICE_BEATS):
        x = LEFT + begin / beats_max * (WIDTH - LEFT - RIGHT)
        yield f"{x:.1f},{height_of(max(late[begin:begin + SLICE_BEATS])):.1f}"


def text(x, y, words, anchor="start", colour="#333"):
    return f'<text x="{x}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def axes(beats_max):
    for late_ms in (0.01, 0.1, 1, 10, 100, 1000):
        y = height_of(late_ms)
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>'
        yield text(LEFT - 6, y + 4, f"{late_ms:g} ms", "end")
    for half_seconds in range(beats_max // 500 + 1):
        x = LEFT + half_seconds * 500 / beats_max * (WIDTH - LEFT - RIGHT)
        yield text(round(x), HEIGHT - BOTTOM + 18, f"{half_seconds / 2:g} s", "middle")


def draw(scenario, rows):
    beats_max = max((len(row["late_ms"]) for row in rows if row.get("late_ms")), default=1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(LEFT, 22, f"{scenario.key}, {scenario.title}: lateness of a heartbeat of 1 kHz"),
        *axes(beats_max),
    ]
    for place, row in enumerate(rows):
        colour = COLOURS[row["runtime"]]
        note = row["runtime"] + (" (died)" if row.get("died") else " (failed)" if row.get("error") else "")
        parts.append(text(WIDTH - RIGHT + 8, TOP + 12 + 18 * place, note, colour=colour))
        if row.get("late_ms"):
            line = " ".join(points(row["late_ms"], beats_max))
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    return "\n".join([*parts, "</svg>", ""])
