"""The journal's row: one struct, flat columns, and which of them count."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Protocol

import msgspec

STRATEGY_ERROR: Final = "strategy_error"
"""How a decision's reason begins when the strategy could not make it."""


class RowKind(StrEnum):
    DECISION = "decision"
    ORDER_EVENT = "order_event"
    CLAIM = "claim"
    PARAMS = "params"
    HANDOFF = "handoff"
    NOTE = "note"


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    """One event or decision of one slot. The columns are documented in docs/journal.md."""

    kind: RowKind
    slot: str
    sequence: int
    """Of the slot's journal, from 1, without a gap."""
    fence: int
    incarnation: int
    life: str
    release: str
    commit: str
    params: str
    market_ms: int
    wire_ms: int
    window_open_ms: int | None = None
    due_ms: int | None = None
    snapshot: str | None = None
    action: str | None = None
    reason: str | None = None
    condition_id: str | None = None
    outcome: str | None = None
    side: str | None = None
    style: str | None = None
    price_micro_usd: int | None = None
    shares_micro: int | None = None
    fee_micro_usd: int | None = None
    intent_id: str | None = None
    order_id: str | None = None
    fill_id: str | None = None
    event: str | None = None
    """Tag of the event in the payload."""
    probability_up: float | None = None
    market_mid_up: float | None = None
    fair_up: float | None = None
    spread_points: float | None = None
    regime: str | None = None
    strategy: str | None = None
    memory_hash: str | None = None
    pre_state_hash: str | None = None
    position_up: int | None = None
    position_down: int | None = None
    realized_pnl_micro_usd: int | None = None
    complete: bool | None = None
    """The decision's snapshot had every input fresh."""
    opened_release: str | None = None
    opened_commit: str | None = None
    opened_params: str | None = None
    payload: bytes | None = None
    """Full event or decision, msgpack."""
    gateway_release: str | None = None
    """Of the gateway that said what an order event says."""


class FenceBound(Protocol):
    """What a gateway's fence record says about rows of earlier fences."""

    @property
    def slot(self) -> str: ...
    @property
    def fence(self) -> int: ...
    @property
    def journal_sequence(self) -> int: ...


def valid_rows(rows: Iterable[JournalRow], fence_records: Iterable[FenceBound]) -> list[JournalRow]:
    """Drop the void rows: those of an older fence beyond a later fence's journal sequence."""
    bounds = void_bounds(fence_records)
    return [row for row in rows if not _void(row, bounds.get(row.slot, ()))]


def _void(row: JournalRow, bounds: tuple[tuple[int, int], ...]) -> bool:
    return any(row.fence < fence and row.sequence > last for fence, last in bounds)


def void_bounds(fence_records: Iterable[FenceBound]) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return, per slot, the (fence, last valid sequence of earlier fences) that rule.

    A record is left out where a later fence bounds at least as tightly: it adds nothing.
    """
    by_slot: dict[str, list[tuple[int, int]]] = {}
    for record in fence_records:
        by_slot.setdefault(record.slot, []).append((record.fence, record.journal_sequence))
    ruling: dict[str, tuple[tuple[int, int], ...]] = {}
    for slot, bounds in by_slot.items():
        kept: list[tuple[int, int]] = []
        for fence, last in sorted(bounds, reverse=True):
            if not kept or last < kept[-1][1]:
                kept.append((fence, last))
        ruling[slot] = tuple(kept)
    return ruling
