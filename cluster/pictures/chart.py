"""Charts as SVG text: a step line over time, bars with a sign, points with intervals. Pure.

Colour is never the only mark: a loss lies below the zero line and its label has a minus sign.
Every text is escaped; colours come from the page's style, so that light and dark both work.
"""

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

import msgspec

WIDTH: Final = 760
HEIGHT: Final = 260
LEFT: Final = 76
"""Room for the labels of the value axis, in pixels."""
RIGHT: Final = 16
TOP: Final = 30
"""Room for the names of the lines, in pixels."""
NAME_WIDTH: Final = 190
BOTTOM: Final = 34
TICKS: Final = 5
BAR: Final = 22
"""Height of one bar with its gap."""
POINTS_MAX: Final = 1_500
"""More than two a pixel cannot be seen; a longer line is thinned to its extremes."""

Label = Callable[[float], str]


class Series(msgspec.Struct, frozen=True):
    """A line: `x` ascending, as long as `y`."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


def step_chart(title: str, series: Sequence[Series], x_label: Label, y_label: Label) -> str:
    """Draw lines that hold their value until the next point; zero is always on the axis."""
    shown = [_thin(one) for one in series if one.x]
    if not shown:
        return f'<p class="empty">{escape(title)}: nothing to show yet.</p>'
    xs = [value for one in shown for value in one.x]
    ys = [0.0, *(value for one in shown for value in one.y)]
    across, up = _scale(min(xs), max(xs), LEFT, WIDTH - RIGHT), _scale(*_padded(ys))
    parts = [_axis(ys, up, y_label), _time_axis(xs, across, x_label)]
    for number, one in enumerate(shown):
        path = _steps([(across(x), up(y)) for x, y in zip(one.x, one.y, strict=True)])
        parts.append(f'<path class="line line{number % 4}" d="{path}"/>')
        parts.append(
            f'<text class="name line{number % 4}" x="{LEFT + NAME_WIDTH * number}" y="16">'
            f"{escape(one.name)}</text>"
        )
    return _svg(title, HEIGHT, parts)


def bar_chart(title: str, bars: Sequence[tuple[str, float]], label: Label) -> str:
    """Draw one horizontal bar a row, left of zero where the value is below it."""
    if not bars:
        return f'<p class="empty">{escape(title)}: nothing to show yet.</p>'
    values = [0.0, *(value for _, value in bars)]
    room = 150
    across = _scale(min(values), max(values), LEFT + room, WIDTH - RIGHT - 90)
    parts = []
    for row, (name, value) in enumerate(bars):
        top = TOP + row * BAR
        left, right = sorted((across(0.0), across(value)))
        kind = "loss" if value < 0 else "gain"
        parts.append(
            f'<text class="tick" x="{LEFT + room - 12}" y="{top + 14}" text-anchor="end">'
            f"{escape(name)}</text>"
            f'<rect class="{kind}" x="{left:.1f}" y="{top + 3}" width="{max(right - left, 1):.1f}"'
            f' height="{BAR - 7}"/>'
            f'<text class="tick" x="{right + 6:.1f}" y="{top + 14}">{escape(label(value))}</text>'
        )
    zero = across(0.0)
    height = TOP + len(bars) * BAR + 8
    parts.append(f'<path class="zero" d="M{zero:.1f},{TOP}V{height - 8}"/>')
    return _svg(title, height, parts)


def interval_chart(
    title: str, rows: Sequence[tuple[str, float, float, float]], label: Label
) -> str:
    """Draw a point with its interval a row: name, low, value, high."""
    if not rows:
        return f'<p class="empty">{escape(title)}: nothing to show yet.</p>'
    values = [value for _, low, _, high in rows for value in (low, high)]
    room = 150
    across = _scale(min(values), max(values), LEFT + room, WIDTH - RIGHT - 90)
    parts = []
    for row, (name, low, value, high) in enumerate(rows):
        middle = TOP + row * BAR + BAR / 2
        parts.append(
            f'<text class="tick" x="{LEFT + room - 12}" y="{middle + 4:.0f}" text-anchor="end">'
            f"{escape(name)}</text>"
            f'<path class="line line0" d="M{across(low):.1f},{middle}H{across(high):.1f}"/>'
            f'<circle class="dot" cx="{across(value):.1f}" cy="{middle}" r="4"/>'
            f'<text class="tick" x="{across(high) + 8:.1f}" y="{middle + 4:.0f}">'
            f"{escape(label(value))}</text>"
        )
    return _svg(title, TOP + len(rows) * BAR + 8, parts)


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {height:.0f}" '
        f'role="img" aria-label="{escape(title)}">{"".join(parts)}</svg></figure>'
    )


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def _padded(values: Sequence[float]) -> tuple[float, float, float, float]:
    low, high = min(values), max(values)
    pad = (high - low or 1.0) * 0.06
    return low - pad, high + pad, HEIGHT - BOTTOM, TOP


def _axis(values: Sequence[float], up: Callable[[float], float], label: Label) -> str:
    parts = []
    for value in _ticks(min(values), max(values)):
        y = up(value)
        kind = "zero" if value == 0 else "grid"
        parts.append(
            f'<path class="{kind}" d="M{LEFT},{y:.1f}H{WIDTH - RIGHT}"/>'
            f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
            f"{escape(label(value))}</text>"
        )
    return "".join(parts)


def _time_axis(values: Sequence[float], across: Callable[[float], float], label: Label) -> str:
    low, high = min(values), max(values)
    places = [low + (high - low) * part / 3 for part in range(4)] if high > low else [low]
    anchors = ("start", "middle", "middle", "end")
    return "".join(
        f'<text class="tick" x="{across(value):.1f}" y="{HEIGHT - 12}" text-anchor="{anchor}">'
        f"{escape(label(value))}</text>"
        for value, anchor in zip(places, anchors, strict=False)
    )


def _ticks(low: float, high: float) -> list[float]:
    """Return round values from low to high, zero among them if it lies between."""
    span = (high - low) or abs(high) or 1.0
    raw = span / TICKS
    size = 10 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]


def _steps(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    return f"M{x:.1f},{y:.1f}" + "".join(f"H{right:.1f}V{up:.1f}" for right, up in rest)


def _thin(series: Series) -> Series:
    """Keep at most `POINTS_MAX` points: of each stretch its lowest and its highest, in order."""
    count = len(series.x)
    if count <= POINTS_MAX:
        return series
    stretch = math.ceil(2 * count / POINTS_MAX)
    kept: list[int] = [0]
    for start in range(1, count, stretch):
        places = range(start, min(start + stretch, count))
        low, high = min(places, key=series.y.__getitem__), max(places, key=series.y.__getitem__)
        kept += sorted({low, high})
    kept.append(count - 1)
    order = sorted(set(kept))
    return Series(series.name, tuple(series.x[i] for i in order), tuple(series.y[i] for i in order))
