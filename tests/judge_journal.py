"""The journal's side of the judge: rows read with plain pyarrow, void ones dropped, money added."""

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from actors.messages import (
    Filled,
    FillFailed,
    OrderEnd,
    OrderEnded,
    OrderOpened,
    OrderSigned,
    Settled,
)
from actors.slot.facts import ClaimFact, Entry, OrderFact, StoppedFact
from tests.judge_ledger import Terms, cash_of


class Row(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    sequence: int
    fence: int
    market_ms: int
    wire_ms: int
    kind: str
    due_ms: int | None = None
    complete: bool | None = None
    payload: bytes = b""


class OrderSide(msgspec.Struct, kw_only=True):
    order_id: str
    intent_id: str
    slot: str
    signed_wire_ms: int
    opened: bool = False
    end: OrderEnd | None = None

    @property
    def at_venue(self) -> bool:
        """True where the journal says that the venue has or had it."""
        return self.opened or self.end in {
            OrderEnd.FILLED,
            OrderEnd.CANCELLED,
            OrderEnd.EXPIRED,
            OrderEnd.KILLED,
        }


class FillSide(msgspec.Struct, kw_only=True):
    condition_id: str
    terms: Terms
    failed: bool = False


class JournalSide(msgspec.Struct, kw_only=True):
    decisions: list[Row] = []
    orders: dict[str, OrderSide] = {}
    fills: dict[str, FillSide] = {}
    fill_rows: list[str] = []
    settled: dict[str, str] = {}
    claims: dict[str, list[int]] = {}
    stops: dict[str, list[int]] = {}
    damaged: list[str] = []
    last_wire_ms: int = 0
    last_market_ms: int = 0
    row_times: set[int] = set()
    """Market time of every row."""

    def runs(self) -> list[tuple[int, int]]:
        """Return the fleet's runs: (first claim of any slot, last row of any slot before the next).

        A run ends with an ordered stop after which no slot has a row until the next claim: a crash
        ends none, nor does one slot's stop.
        """
        claims = sorted(at for times in self.claims.values() for at in times)
        stops = sorted(at for times in self.stops.values() for at in times)
        rows = sorted(self.row_times | {self.last_market_ms})
        begins = claims[:1]
        for claim, before in zip(claims[1:], claims, strict=False):
            ended = [at for at in stops if before <= at < claim]
            if ended and rows[bisect_left(rows, claim) - 1] <= ended[-1]:
                begins.append(claim)
        ends = [rows[bisect_left(rows, begin) - 1] for begin in begins[1:]]
        return list(zip(begins, [*ends, self.last_market_ms], strict=False))

    def lives(self, slot: str, start_ms: int = 0) -> Iterator[tuple[int, int]]:
        """Yield from when to when the slot owed decisions.

        To its own ordered stop, else to the last row of the run: being dark is no excuse. From its
        own claim if that came within `start_ms` of the run's first one, else from that one.
        """
        for begin_ms, end_ms in self.runs():
            claims = [at for at in self.claims.get(slot, []) if begin_ms <= at <= end_ms]
            came_up = claims and claims[0] <= begin_ms + start_ms
            cursor = claims[0] if came_up else begin_ms
            for stop_ms in (at for at in self.stops.get(slot, []) if begin_ms <= at <= end_ms):
                yield cursor, stop_ms
                cursor = min((at for at in claims if at > stop_ms), default=end_ms)
            yield cursor, end_ms

    def pnl(self, condition: str) -> int:
        """Return profit of a settled market in micro-USD, from fills that did not fail."""
        winner = self.settled[condition]
        fills = (fill for fill in self.fills.values() if fill.condition_id == condition)
        return sum(cash_of(fill.terms, winner) for fill in fills if not fill.failed)


def read_journal(storage: Path) -> JournalSide:
    """Read every flush and every compacted day; rows of a lost fence are dropped."""
    side = JournalSide()
    rows: dict[tuple[str, int, int], Row] = {}
    for file in sorted((storage / "journal").rglob("*")):
        if file.suffix not in {".arrow", ".parquet"} or file.name.startswith("."):
            continue
        try:
            table = _table(file)
        except (pa.ArrowInvalid, OSError) as error:
            side.damaged.append(f"{file.relative_to(storage)}: {error}")
            continue
        for values in table.select(list(_COLUMNS)).to_pylist():
            row = Row(**{**values, "payload": values["payload"] or b""})
            rows[(row.slot, row.sequence, row.fence)] = row
    entries = {key: msgspec.msgpack.decode(row.payload, type=Entry) for key, row in rows.items()}
    for key in sorted(_valid(rows, entries)):
        _take(side, rows[key], entries[key])
    return side


_COLUMNS = Row.__struct_fields__
Key = tuple[str, int, int]


def _table(file: Path) -> Any:
    if file.suffix == ".parquet":
        return pq.read_table(file)
    with pa.memory_map(str(file)) as source:
        return pa.ipc.open_file(source).read_all()


def _valid(rows: dict[Key, Row], entries: dict[Key, Entry]) -> list[Key]:
    """Drop rows that a later claim of the slot declared void."""
    bounds: dict[str, list[tuple[int, int]]] = {}
    for key, entry in entries.items():
        if isinstance(entry.fact, ClaimFact):
            record = entry.fact.record
            bounds.setdefault(key[0], []).append((record.fence, record.journal_sequence))
    return [
        (slot, sequence, fence)
        for slot, sequence, fence in rows
        if not any(fence < f and sequence > last for f, last in bounds.get(slot, []))
    ]


def _take(side: JournalSide, row: Row, entry: Entry) -> None:
    side.last_wire_ms = max(side.last_wire_ms, row.wire_ms)
    side.last_market_ms = max(side.last_market_ms, row.market_ms)
    side.row_times.add(row.market_ms)
    if row.kind == "decision":
        side.decisions.append(row)
    if isinstance(entry.fact, ClaimFact):
        side.claims.setdefault(row.slot, []).append(row.market_ms)
    elif isinstance(entry.fact, StoppedFact):
        side.stops.setdefault(row.slot, []).append(row.market_ms)
    elif isinstance(entry.fact, OrderFact):
        _take_order(side, row, entry.fact)


def _take_order(side: JournalSide, row: Row, fact: OrderFact) -> None:
    event = fact.event
    if isinstance(event, OrderSigned):
        side.orders[event.order_id] = OrderSide(
            order_id=event.order_id,
            intent_id=event.intent_id,
            slot=row.slot,
            signed_wire_ms=row.wire_ms,
        )
    elif isinstance(event, OrderOpened) and event.order_id in side.orders:
        side.orders[event.order_id].opened = True
    elif isinstance(event, OrderEnded) and event.order_id in side.orders:
        side.orders[event.order_id].end = event.end
    elif isinstance(event, Filled):
        terms = Terms(
            outcome=str(event.outcome),
            side=str(event.side),
            price=event.price,
            shares=event.shares,
            fee_micro_usd=event.fee_micro_usd,
        )
        side.fills[event.fill_id] = FillSide(condition_id=event.condition_id, terms=terms)
        side.fill_rows.append(event.fill_id)
    elif isinstance(event, FillFailed) and event.fill_id in side.fills:
        side.fills[event.fill_id].failed = True
    elif isinstance(event, Settled):
        side.settled[event.condition_id] = str(event.winner)
