"""A day as a strip: one small cell for each thing that was due, told apart by place. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from html import escape
from types import MappingProxyType
from typing import Final

import msgspec

from cluster.pictures.axes import LEFT, RIGHT, WIDTH, Label, nothing, scale, svg

ROW: Final = 20
"""Height of a row of cells, in pixels."""
CELL_HEIGHT: Final = 14
CELL_WIDTH: Final = 2.0
"""A day has 288 decisions; two pixels each leave a gap between them."""
TOP: Final = 6
CELLS_MAX: Final = 1_000


class CellKind(StrEnum):
    ACTED = "acted"
    WAITED = "waited"
    HELD = "held"
    FAILED = "failed"
    MISSED = "missed"


NAMES: Final = MappingProxyType(
    {
        CellKind.ACTED: "trade",
        CellKind.WAITED: "no trade",
        CellKind.HELD: "held back",
        CellKind.FAILED: "failed",
        CellKind.MISSED: "missed",
    }
)
"""Names of the rows; each kind has a row, since colour is not the only mark."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    at: float
    kind: CellKind
    text: str
    """What stands in the tooltip."""


def strip_chart(title: str, cells: Sequence[Cell], x_label: Label) -> str:
    """Draw a row a kind, a cell a thing that was due; the latest `CELLS_MAX`."""
    shown = sorted(cells, key=lambda one: one.at)[-CELLS_MAX:]
    if not shown:
        return nothing(title)
    low, high = shown[0].at, shown[-1].at
    across = scale(low, high, LEFT, WIDTH - RIGHT - CELL_WIDTH)
    rows = list(CellKind)
    parts = [_name(kind, place) for place, kind in enumerate(rows)]
    parts += [_cell(one, across(one.at), rows.index(one.kind)) for one in shown]
    foot = TOP + ROW * len(rows) + 14
    for place, anchor in ((low, "start"), ((low + high) / 2, "middle"), (high, "end")):
        parts.append(
            f'<text class="tick" x="{across(place):.1f}" y="{foot}" text-anchor="{anchor}">'
            f"{escape(x_label(place))}</text>"
        )
    return svg(title, foot + 8, parts)


def _name(kind: CellKind, place: int) -> str:
    return (
        f'<text class="tick" x="{LEFT - 8}" y="{TOP + ROW * place + 12}" text-anchor="end">'
        f"{NAMES[kind]}</text>"
    )


def _cell(cell: Cell, x: float, place: int) -> str:
    return (
        f'<rect class="cell {cell.kind}" x="{x:.1f}" y="{TOP + ROW * place}" '
        f'width="{CELL_WIDTH}" height="{CELL_HEIGHT}"><title>{escape(cell.text)}</title></rect>'
    )
