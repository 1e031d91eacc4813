"""A value with its bounds as they narrow: a line in the middle of a band. Pure."""

import math
from html import escape

import msgspec

from cluster.pictures.axes import (
    HEIGHT,
    LEFT,
    POINTS_MAX,
    RIGHT,
    WIDTH,
    Label,
    nothing,
    padded,
    scale,
    svg,
    time_axis,
    value_axis,
)


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """`x` ascending; the others are as long."""

    name: str
    x: tuple[float, ...]
    low: tuple[float, ...]
    value: tuple[float, ...]
    high: tuple[float, ...]


def band_chart(title: str, band: Band, x_label: Label, y_label: Label) -> str:
    """Draw the band and its middle; zero is always on the axis."""
    if not band.x:
        return nothing(title)
    kept = _kept(len(band.x))
    ys = [0.0, *(line[place] for line in (band.low, band.high) for place in kept)]
    across = scale(band.x[0], band.x[-1], LEFT, WIDTH - RIGHT)
    up = scale(*padded(ys))

    def points(line: tuple[float, ...], places: list[int]) -> str:
        return "L".join(f"{across(band.x[place]):.1f},{up(line[place]):.1f}" for place in places)

    parts = [
        f'<path class="band" d="M{points(band.high, kept)}L{points(band.low, kept[::-1])}Z"/>',
        value_axis(ys, up, y_label),
        time_axis(band.x, across, x_label),
        f'<path class="line line0" d="M{points(band.value, kept)}"/>',
        f'<text class="name line0" x="{LEFT}" y="16">{escape(band.name)}</text>',
    ]
    return svg(title, HEIGHT, parts)


def _kept(count: int) -> list[int]:
    """Return places spread evenly, first and last among them: a band has no extremes to lose."""
    step = max(1, math.ceil(count / POINTS_MAX * 4))
    return [*range(0, count - 1, step), count - 1]
