"""Charts as SVG text: a step line over time, bars with a sign, points with intervals. Pure.

Colour is never the only mark: a loss lies below the zero line and its label has a minus sign.
Every text is escaped; colours come from the page's style, so that light and dark both work.
"""

from collections.abc import Sequence
from html import escape

from cluster.pictures.axes import (
    BAR,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Label,
    Series,
    nothing,
    padded,
    scale,
    step_lines,
    svg,
    thin,
    time_axis,
    value_axis,
)


def step_chart(title: str, series: Sequence[Series], x_label: Label, y_label: Label) -> str:
    """Draw lines that hold their value until the next point; zero is always on the axis."""
    shown = [thin(one) for one in series if one.x]
    if not shown:
        return nothing(title)
    xs = [value for one in shown for value in one.x]
    ys = [0.0, *(value for one in shown for value in one.y)]
    across, up = scale(min(xs), max(xs), LEFT, WIDTH - RIGHT), scale(*padded(ys))
    parts = [value_axis(ys, up, y_label), time_axis(xs, across, x_label)]
    parts += step_lines(shown, across, up)
    return svg(title, HEIGHT, parts)


def bar_chart(title: str, bars: Sequence[tuple[str, float]], label: Label) -> str:
    """Draw one horizontal bar a row, left of zero where the value is below it."""
    if not bars:
        return nothing(title)
    values = [0.0, *(value for _, value in bars)]
    room = 150
    across = scale(min(values), max(values), LEFT + room, WIDTH - RIGHT - 90)
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
    return svg(title, height, parts)


def interval_chart(
    title: str, rows: Sequence[tuple[str, float, float, float]], label: Label
) -> str:
    """Draw a point with its interval a row: name, low, value, high."""
    if not rows:
        return nothing(title)
    values = [value for _, low, _, high in rows for value in (low, high)]
    room = 150
    across = scale(min(values), max(values), LEFT + room, WIDTH - RIGHT - 90)
    parts = []
    if min(values) < 0 < max(values):
        foot = TOP + len(rows) * BAR
        parts.append(f'<path class="zero" d="M{across(0.0):.1f},{TOP}V{foot}"/>')
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
    return svg(title, TOP + len(rows) * BAR + 8, parts)
