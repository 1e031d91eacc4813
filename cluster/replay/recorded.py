"""Recorded decisions, slot by slot in order, each with the memory that it was made from."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from actors.slot.facts import DecisionFact, Entry
from checkpoints.record_set import logical_hash_of
from checkpoints.records import RecordKey
from cluster.audit.journal_view import JournalView
from cluster.audit.problem import Problem
from cluster.replay.decider import Change, Delta
from signals.market import Slot, day_of

LOOK_BACK: Final = (200, 5_000, 1 << 62)
"""Rows read before the first wanted decision until the memory adds up to its recorded hash."""
_decoder: Final = msgspec.msgpack.Decoder(Entry)
_CHECKED: Final = ("release", "params", "snapshot", "due_ms", "window_open_ms", "strategy")
_CHECKED_INSIDE: Final = ("reason", "probability_up", "market_mid_up", "fair_up", "spread_points")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which decisions; None: all of them."""

    day: str | None = None
    """UTC day of market time."""
    slot: str | None = None
    due_ms: int | None = None
    """Of one decision point."""
    release: str | None = None
    """Or the beginning of one."""
    last: int | None = None
    """Only so many of the latest, over all slots."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One decision row, read back."""

    slot: str
    sequence: int
    due_ms: int
    release: str
    wanted: bool
    """False: read only for what it did to the memory."""
    fact: DecisionFact
    reset: bool
    memory_before: str | None


class SlotHistory(msgspec.Struct, frozen=True, kw_only=True):
    decisions: tuple[Recorded, ...]
    problems: tuple[Problem, ...]


def wanted_slots(view: JournalView, wanted: Wanted) -> dict[str, list[str]]:
    """Return asset -> slots that have wanted decisions: the two share their snapshots."""
    where, values = _where(wanted)
    query = f"select distinct slot from valid where {where} order by slot"  # noqa: S608 own text
    by_asset: dict[str, list[str]] = {}
    for (slot,) in view.fetch(query, *values):
        by_asset.setdefault(str(Slot.parse(slot).asset), []).append(slot)
    return by_asset


def first_due_ms(view: JournalView, wanted: Wanted) -> int | None:
    """Return from which decision point on the asked number of latest decisions lies."""
    if wanted.last is None:
        return None
    where, values = _where(wanted)
    query = f"select due_ms from valid where {where} order by due_ms desc, slot limit ?"  # noqa: S608 own text
    found = view.fetch(query, *values, wanted.last)
    return found[-1][0] if found else None


def count_wanted(view: JournalView, wanted: Wanted, from_due_ms: int) -> int:
    where, values = _where(wanted)
    query = f"select count(*) from valid where {where} and due_ms >= ?"  # noqa: S608 own text
    return int(view.fetch(query, *values, from_due_ms)[0][0])


def read_slot(view: JournalView, slot: str, wanted: Wanted, from_due_ms: int) -> SlotHistory:
    """Read a slot's wanted decisions, and as many before them as their memory needs."""
    where, values = _where(msgspec.structs.replace(wanted, slot=slot))
    ends = view.fetch(
        f"select min(sequence), max(sequence) from valid where {where} and due_ms >= ?",  # noqa: S608 own text
        *values,
        from_due_ms,
    )
    first, last = ends[0]
    if first is None:
        return SlotHistory(decisions=(), problems=())
    for back in LOOK_BACK:
        begin = max(1, first - back)
        rows, problems = _read(view, slot, begin, last)
        if begin == 1 or _adds_up(rows, first):
            break
    chosen = {row["sequence"] for row in rows if _is_wanted(row, wanted, from_due_ms)}
    return SlotHistory(
        decisions=tuple(_chain(rows, chosen, whole=begin == 1)), problems=tuple(problems)
    )


def delta_of(fact: DecisionFact) -> Delta:
    changes = tuple(
        Change(segment=change.segment, key=change.key, value=change.value)
        for change in fact.memory_changes
    )
    return Delta(version=fact.memory_version, changes=changes)


Row = dict[str, Any]


def _nothing_before(view: JournalView, slot: str, rows: list[Row]) -> bool:
    """Say whether the first decision read is the slot's first: all rows before it are there."""
    before = int(rows[0]["sequence"]) - 1 if rows else 0
    query = "select count(*) from valid where slot = ? and sequence <= ? and kind <> 'decision'"
    return int(view.fetch(query, slot, before)[0][0]) == before


def _where(wanted: Wanted) -> tuple[str, list[object]]:
    parts = ["kind = 'decision'"]
    values: list[object] = []
    if wanted.slot is not None:
        parts.append("slot = ?")
        values.append(wanted.slot)
    if wanted.due_ms is not None:
        parts.append("due_ms = ?")
        values.append(wanted.due_ms)
    if wanted.day is not None:
        parts.append("strftime(make_timestamp(market_ms * 1000), '%Y-%m-%d') = ?")
        values.append(wanted.day)
    if wanted.release is not None:
        parts.append("starts_with(release, ?)")
        values.append(wanted.release)
    return " and ".join(parts), values


def _is_wanted(row: Row, wanted: Wanted, from_due_ms: int) -> bool:
    return (
        row["due_ms"] >= from_due_ms
        and wanted.due_ms in {None, row["due_ms"]}
        and (wanted.day is None or day_of(row["market_ms"]) == wanted.day)
        and (wanted.release is None or row["release"].startswith(wanted.release))
    )


def _read(view: JournalView, slot: str, begin: int, last: int) -> tuple[list[Row], list[Problem]]:
    columns = ("slot", "sequence", "market_ms", *_CHECKED, *_CHECKED_INSIDE, "payload")
    names = ", ".join(f'"{name}"' for name in columns)
    found = view.fetch(
        f"select {names} from valid where kind = 'decision' and slot = ? "  # noqa: S608 own text
        "and sequence between ? and ? order by sequence",
        slot,
        begin,
        last,
    )
    rows: list[Row] = []
    problems: list[Problem] = []
    for values in found:
        row = dict(zip(columns, values, strict=True))
        wrong = _take_fact(row)
        if wrong is None:
            rows.append(row)
        else:
            subject = f"{slot} row {row['sequence']}"
            problems.append(Problem(kind="altered", subject=subject, reason=wrong))
    return rows, problems


def _take_fact(row: Row) -> str | None:
    """Decode the payload and hold the row's columns against it; say what is wrong."""
    try:
        fact = _decoder.decode(row.pop("payload") or b"").fact
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"its payload cannot be read: {error}"
    if not isinstance(fact, DecisionFact):
        return "its payload is no decision"
    row["fact"] = fact
    pairs = [(name, getattr(fact, name)) for name in _CHECKED]
    pairs += [(name, getattr(fact.decision, name)) for name in _CHECKED_INSIDE]
    for name, inside in pairs:
        if row[name] != inside:
            return f"column {name} says {row[name]!r}, its payload {inside!r}"
    return None


def _adds_up(rows: list[Row], first: int) -> bool:
    """Say whether the rows before the first wanted one rebuild the memory it was made from."""
    records: dict[RecordKey, bytes] = {}
    expected: str | None = None
    for row in rows:
        if row["sequence"] >= first:
            break
        fact: DecisionFact = row["fact"]
        for change in fact.memory_changes:
            if change.value is None:
                records.pop((change.segment, change.key), None)
            else:
                records[(change.segment, change.key)] = change.value
        expected = fact.memory_hash or expected
    return expected is not None and logical_hash_of(records) == expected


def _chain(rows: list[Row], chosen: set[int], *, whole: bool) -> Iterator[Recorded]:
    strategy: str | None = None if whole else (rows[0]["fact"].strategy if rows else None)
    expected: str | None = None
    for row in rows:
        fact: DecisionFact = row["fact"]
        reset = fact.strategy != strategy
        yield Recorded(
            slot=row["slot"],
            sequence=row["sequence"],
            due_ms=row["due_ms"],
            release=row["release"],
            wanted=row["sequence"] in chosen,
            fact=fact,
            reset=reset,
            memory_before=None if reset else expected,
        )
        strategy = fact.strategy
        expected = fact.memory_hash or (None if reset else expected)
