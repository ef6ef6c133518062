"""The picture of a soak: memory, open sessions, frames and processor time over its minutes.

usage: soak_picture.py OUT/soak.tsv OUT.svg
"""

import csv
import sys

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 420, 190, 52, 30, 28, 34
STYLE = """text { fill: #5d6770; font: 11px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
.name { fill: #1d2329; font-size: 12px; } .grid { stroke: #dfe3e6; }
polyline { fill: none; stroke: #1665c0; stroke-width: 1.8; stroke-linejoin: round; }
.second { stroke: #c2571a; }"""


def rates(rows, name):
    """How fast a counter grew between rows, a second."""
    grown = [(after[name] - before[name]) / (after["seconds"] - before["seconds"])
             for before, after in zip(rows, rows[1:])]
    return grown[:1] + grown


def ceiling(value):
    """A round number that is not less: 1, 2, 4, 5 or 8 of its power of ten."""
    power = 10 ** (len(str(int(value))) - 1)
    return next(step * power for step in (1, 2, 4, 5, 8, 10) if step * power >= value)


def panel(column, row, name, minutes, lines):
    """One diagram; `lines` are values by class of line."""
    x, y = column * WIDTH, row * HEIGHT
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    top = ceiling(max(max(values) for _, values in lines) or 1)
    parts = [f"<g transform='translate({x},{y})'><text class='name' x='{LEFT}' y='18'>{name}</text>"]
    for share in (0, 0.5, 1):
        height = TOP + down * (1 - share)
        parts.append(f"<line class='grid' x1='{LEFT}' y1='{height}' x2='{WIDTH - RIGHT}' y2='{height}'/>"
                     f"<text text-anchor='end' x='{LEFT - 6}' y='{height + 4}'>{top * share:,.0f}</text>")
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f"<text text-anchor='middle' x='{LEFT + across * share:.0f}' y='{HEIGHT - BOTTOM + 16}'>"
                     f"{minutes[-1] * share:.0f}{' min' if share == 1 else ''}</text>")
    for kind, values in lines:
        points = " ".join(f"{LEFT + across * minute / minutes[-1]:.1f},{TOP + down * (1 - value / top):.1f}"
                          for minute, value in zip(minutes, values))
        parts.append(f"<polyline class='{kind}' points='{points}'/>")
    return "".join(parts) + "</g>"


def main():
    with open(sys.argv[1]) as file:
        rows = [{name: float(value) for name, value in row.items()}
                for row in csv.DictReader(file, delimiter="\t")]
    minutes = [row["seconds"] / 60 for row in rows]
    column = lambda name: [row[name] for row in rows]
    lost = column("kernel_drops_total")
    panels = [
        panel(0, 0, "resident memory, MiB", minutes, [("", column("resident_mib"))]),
        panel(1, 0, "open sessions", minutes, [("", column("open_sessions"))]),
        panel(0, 1, "frames received a second; brown: lost, all told", minutes,
              [("", rates(rows, "received")), ("second", lost)]),
        panel(1, 1, "processor time, % of one processor", minutes,
              [("", [100 * rate for rate in rates(rows, "processor_seconds")])]),
    ]
    size = f"width='{2 * WIDTH}' height='{2 * HEIGHT}'"
    with open(sys.argv[2], "w") as file:
        file.write(f"<svg xmlns='http://www.w3.org/2000/svg' {size} viewBox='0 0 {2 * WIDTH} {2 * HEIGHT}' "
                   f"role='img' aria-label='A soak of undertone live'><style>{STYLE}</style>"
                   f"<rect width='100%' height='100%' fill='#ffffff'/>{''.join(panels)}</svg>\n")


if __name__ == "__main__":
    main()
