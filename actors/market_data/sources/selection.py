"""Which source serves each asset: one at a time, in the configured order. Pure.

An asset's history comes from one source: volumes differ between exchanges. So a switch replaces all
of it, and is an event with its reason.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from actors.market_data.sources.port import Instruments, SourceName
from signals.market import Asset

RETURN_MS: Final = 900_000
"""Wire until a source that was left may serve that asset again: each switch fetches its history."""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    until_ms: int
    """Wire."""
    reason: str


class SourceSwitch(msgspec.Struct, frozen=True, kw_only=True, tag="source_switch"):
    """The record of a switch."""

    asset: Asset
    source: SourceName
    before: SourceName | None
    """None: it is the first one."""
    reason: str
    market_ms: int
    wire_ms: int


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    order: tuple[SourceName, ...]
    serving: dict[Asset, SourceName] = {}
    absent: dict[str, str] = {}
    """``source/asset`` -> what it said: it does not trade that."""
    left: dict[str, Left] = {}
    """``source/asset`` -> why it was left, and until when."""


def place(source: SourceName, asset: Asset) -> str:
    return f"{source}/{asset}"


def leave(
    selection: Selection, source: SourceName, asset: Asset, reason: str, wire_ms: int
) -> Selection:
    left = Left(until_ms=wire_ms + RETURN_MS, reason=reason)
    return msgspec.structs.replace(selection, left=selection.left | {place(source, asset): left})


def note_instruments(selection: Selection, found: Instruments) -> Selection:
    """Keep what a source does not trade; what it trades again is no longer absent."""
    absent = {
        where: reason
        for where, reason in selection.absent.items()
        if not any(where == place(found.source, one.asset) for one in found.found)
    }
    absent |= {place(found.source, one.asset): one.reason for one in found.absent}
    return msgspec.structs.replace(selection, absent=absent)


def note_absent(selection: Selection, source: SourceName, asset: Asset, reason: str) -> Selection:
    return msgspec.structs.replace(
        selection, absent=selection.absent | {place(source, asset): reason}
    )


def candidates(
    selection: Selection, asset: Asset, sick: Iterable[SourceName], wire_ms: int
) -> tuple[SourceName, ...]:
    """Return who may serve instead, best first; those that were left only where no one else can."""
    shut = {*sick, selection.serving.get(asset)}
    able = [
        source
        for source in selection.order
        if source not in shut and place(source, asset) not in selection.absent
    ]
    fresh = tuple(source for source in able if not _is_left(selection, source, asset, wire_ms))
    return fresh or tuple(able)


def better(
    selection: Selection, asset: Asset, sick: Iterable[SourceName], wire_ms: int
) -> SourceName | None:
    """Return a source before the serving one that may serve again."""
    serving = selection.serving.get(asset)
    if serving is None or serving not in selection.order:
        return None
    before = selection.order[: selection.order.index(serving)]
    shut = set(sick)
    return next(
        (
            source
            for source in before
            if source not in shut
            and place(source, asset) not in selection.absent
            and not _is_left(selection, source, asset, wire_ms)
        ),
        None,
    )


def _is_left(selection: Selection, source: SourceName, asset: Asset, wire_ms: int) -> bool:
    left = selection.left.get(place(source, asset))
    return left is not None and wire_ms < left.until_ms


def serve(
    selection: Selection, asset: Asset, source: SourceName, reason: str, now: tuple[int, int]
) -> tuple[Selection, SourceSwitch]:
    """Let a source serve; `now` is market and wire time."""
    market_ms, wire_ms = now
    switch = SourceSwitch(
        asset=asset,
        source=source,
        before=selection.serving.get(asset),
        reason=reason,
        market_ms=market_ms,
        wire_ms=wire_ms,
    )
    serving = selection.serving | {asset: source}
    return msgspec.structs.replace(selection, serving=serving), switch
