"""Lines over time, with marks and dots for what happened on the way. Pure."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

import msgspec

from cluster.pictures.axes import (
    BOTTOM,
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

MARKS_MAX: Final = 40
"""Vertical lines that can be told apart."""
DOTS_MAX: Final = 400
MARK_ROOM: Final = 90
"""Pixels that the name of a mark takes."""
DOT: Final = 5.0
"""Half the width of a dot, in pixels."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to all lines at once, e.g. another release took over."""

    at: float
    name: str


class Dot(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened at a value; `up` points it up or down."""

    at: float
    value: float
    up: bool
    text: str


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    dots: tuple[Dot, ...] = ()


def timeline_chart(line: Timeline, x_label: Label, y_label: Label) -> str:
    """Draw lines that hold their value until the next point, without zero on the axis."""
    shown = [thin(one) for one in line.series if one.x]
    if not shown:
        return nothing(line.title)
    xs = [value for one in shown for value in one.x]
    first, last = min(xs), max(xs)
    dots = [one for one in line.dots if first <= one.at <= last][-DOTS_MAX:]
    ys = [*(value for one in shown for value in one.y), *(one.value for one in dots)]
    across, up = scale(first, last, LEFT, WIDTH - RIGHT), scale(*padded(ys))
    parts = [value_axis(ys, up, y_label), time_axis(xs, across, x_label)]
    marks = [one for one in line.marks if first <= one.at <= last][-MARKS_MAX:]
    parts += list(_marks([(one.name, across(one.at)) for one in marks]))
    parts += step_lines(shown, across, up)
    parts += [_dot(one, across(one.at), up(one.value)) for one in dots]
    return svg(line.title, HEIGHT, parts)


def _marks(marks: Sequence[tuple[str, float]]) -> Iterator[str]:
    """Yield the lines; a name that would lie on the one before is in the tooltip only."""
    named = -math.inf
    for name, x in marks:
        yield (
            f'<path class="mark" d="M{x:.1f},{TOP}V{HEIGHT - BOTTOM}"><title>{escape(name)}'
            "</title></path>"
        )
        if x - named < MARK_ROOM:
            continue
        named = x
        anchor, shift = ("end", -3) if x > WIDTH - MARK_ROOM else ("start", 3)
        yield (
            f'<text class="tick" x="{x + shift:.1f}" y="{TOP + 8}" text-anchor="{anchor}">'
            f"{escape(name)}</text>"
        )


def _dot(dot: Dot, x: float, y: float) -> str:
    """Draw a triangle that points where the dot does."""
    tip, foot = (y - DOT, y + DOT) if dot.up else (y + DOT, y - DOT)
    kind = "up" if dot.up else "down"
    return (
        f'<path class="fill {kind}" d="M{x:.1f},{tip:.1f}L{x - DOT:.1f},{foot:.1f}'
        f'L{x + DOT:.1f},{foot:.1f}Z"><title>{escape(dot.text)}</title></path>'
    )
