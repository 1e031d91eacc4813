"""Trades for people: one line a trade, 80 columns by default, sums at the end. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from cluster.audit.screens import MICRO, when
from cluster.audit.trades import Trade
from cluster.errors import ClusterError
from cluster.terminal.plain_text import plain

ROWS_MAX: Final = 200
"""For a terminal; --json and --parquet have all."""
LETTERS: Final = 6


class Cell(msgspec.Struct, frozen=True):
    head: str
    width: int
    right: bool
    text: Callable[[Trade], str]


def _money(micro: int | None, digits: int = 2) -> str:
    return "" if micro is None else f"{micro / MICRO:+,.{digits}f}"


CELLS: Final[Mapping[str, Cell]] = MappingProxyType(
    {
        "signed": Cell("signed (UTC)", 14, False, lambda one: when(one.signed_ms)[5:]),  # noqa: FBT003
        "slot": Cell("slot", 8, False, lambda one: one.slot),  # noqa: FBT003
        "side": Cell("side", 4, False, lambda one: one.side),  # noqa: FBT003
        "outcome": Cell("out", 4, False, lambda one: one.outcome),  # noqa: FBT003
        "style": Cell("style", 5, False, lambda one: one.style),  # noqa: FBT003
        "price": Cell("price", 6, True, lambda one: f"{one.price_micro_usd / MICRO:g}"),  # noqa: FBT003
        "filled": Cell("filled", 8, True, lambda one: f"{one.shares_micro / MICRO:g}"),  # noqa: FBT003
        "asked": Cell("asked", 8, True, lambda one: f"{one.asked_micro / MICRO:g}"),  # noqa: FBT003
        "status": Cell("result", 8, False, lambda one: one.status),  # noqa: FBT003
        "pnl": Cell("P&L USD", 9, True, lambda one: _money(one.pnl_micro_usd)),  # noqa: FBT003
        "fee": Cell("fee USD", 8, True, lambda one: f"{one.fee_micro_usd / MICRO:.4f}"),  # noqa: FBT003
        "release": Cell("code", 6, False, lambda one: one.release[:LETTERS]),  # noqa: FBT003
        "params": Cell("params", 6, False, lambda one: one.params[:LETTERS]),  # noqa: FBT003
        "order": Cell("order", 10, False, lambda one: one.order_id[:10]),  # noqa: FBT003
        "intent": Cell("intent", 42, False, lambda one: one.intent_id),  # noqa: FBT003
        "commit": Cell("commit", 7, False, lambda one: one.commit[:7]),  # noqa: FBT003
    }
)
DEFAULT: Final = ("signed", "slot", "side", "outcome", "price", "filled", "status", "pnl", "order")


def columns_of(words: str | None) -> tuple[str, ...]:
    """Read ``--columns``, names with commas between; raise `ClusterError` for an unknown one."""
    if words is None:
        return DEFAULT
    names = tuple(word.strip() for word in words.split(",") if word.strip())
    unknown = [name for name in names if name not in CELLS]
    if unknown or not names:
        what = ", ".join(unknown) or "nothing"
        raise ClusterError(f"--columns: unknown column {what}; there are {', '.join(CELLS)}")
    return names


def trade_lines(trades: Sequence[Trade], columns: Sequence[str] = DEFAULT) -> Iterator[str]:
    """Yield head, one line a trade (the last `ROWS_MAX`), and the sums of all."""
    if not trades:
        yield "no trade matches"
        return
    cells = [CELLS[name] for name in columns]
    yield " ".join(_pad(cell, cell.head) for cell in cells).rstrip()
    for one in trades[-ROWS_MAX:]:
        yield " ".join(_pad(cell, plain(cell.text(one))) for cell in cells).rstrip()
    yield from _sums(trades)


def _pad(cell: Cell, text: str) -> str:
    return f"{text:>{cell.width}}" if cell.right else f"{text:<{cell.width}}"


def _sums(trades: Sequence[Trade]) -> Iterator[str]:
    if len(trades) > ROWS_MAX:
        yield f"(the last {ROWS_MAX} of {len(trades)}; --json and --parquet have all)"
    settled = [one for one in trades if one.pnl_micro_usd is not None]
    counts = {name: sum(one.status == name for one in trades) for name in ("won", "lost", "open")}
    unfilled = sum(one.status == "unfilled" for one in trades)
    yield (
        f"{len(trades)} order{'' if len(trades) == 1 else 's'}: {counts['won']} won, "
        f"{counts['lost']} lost, {counts['open']} open, {unfilled} unfilled"
    )
    yield (
        f"settled P&L {_money(sum(one.pnl_micro_usd or 0 for one in settled))} USD after "
        f"{sum(one.fee_micro_usd for one in settled) / MICRO:.2f} USD of fees"
    )
