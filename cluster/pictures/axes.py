"""What all charts are drawn on: scales, axes with round values, lines thinned. Pure."""

import math
import sys
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


def svg(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<figure tabindex="0"><figcaption>{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg></figure>"
    )


def nothing(title: str) -> str:
    """Return what stands in the place of a chart that has no points."""
    return f'<p class="empty">{escape(title)}: nothing to show yet.</p>'


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def padded(values: Sequence[float]) -> tuple[float, float, float, float]:
    low, high = min(values), max(values)
    pad = (high - low or 1.0) * 0.06
    return low - pad, high + pad, HEIGHT - BOTTOM, TOP


def value_axis(values: Sequence[float], up: Callable[[float], float], label: Label) -> str:
    parts = []
    for value in ticks(min(values), max(values)):
        y = up(value)
        kind = "zero" if value == 0 else "grid"
        parts.append(
            f'<path class="{kind}" d="M{LEFT},{y:.1f}H{WIDTH - RIGHT}"/>'
            f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
            f"{escape(label(value))}</text>"
        )
    return "".join(parts)


def time_axis(values: Sequence[float], across: Callable[[float], float], label: Label) -> str:
    low, high = min(values), max(values)
    places = [low + (high - low) * part / 3 for part in range(4)] if high > low else [low]
    anchors = ("start", "middle", "middle", "end")
    return "".join(
        f'<text class="tick" x="{across(value):.1f}" y="{HEIGHT - 12}" text-anchor="{anchor}">'
        f"{escape(label(value))}</text>"
        for value, anchor in zip(places, anchors, strict=False)
    )


def ticks(low: float, high: float) -> list[float]:
    """Return round values from low to high, zero among them if it lies between."""
    span = (high - low) or abs(high) or 1.0
    raw = max(span / TICKS, sys.float_info.min)  # a span may be too small to divide
    size = 10 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]


def step_lines(
    series: Sequence[Series], across: Callable[[float], float], up: Callable[[float], float]
) -> list[str]:
    """Draw lines that hold their value until the next point, each with its name above."""
    parts = []
    for number, one in enumerate(series):
        place = LEFT + NAME_WIDTH * number
        path = steps([(across(x), up(y)) for x, y in zip(one.x, one.y, strict=True)])
        parts += [
            f'<path class="line line{number % 4}" d="{path}"/>',
            f'<text class="name line{number % 4}" x="{place}" y="16">{escape(one.name)}</text>',
        ]
    return parts


def steps(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    return f"M{x:.1f},{y:.1f}" + "".join(f"H{right:.1f}V{up:.1f}" for right, up in rest)


def thin(series: Series) -> Series:
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
