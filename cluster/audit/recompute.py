"""Rows made again: from one kept checkpoint to the next, the rows must lead there exactly.

A row that someone rewrote and sealed again is intact as a file. It is found because its columns are
not those of its payload, or because the rows after it do not add up to the next checkpoint.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.messages import Filled, OrderSigned
from actors.slot.facts import DecisionFact, Entry, OrderFact, apply_entry
from actors.slot.state import STATE_VERSION, SlotState
from checkpoints.archive import load_manifest
from checkpoints.arrow_file import digest_of
from checkpoints.codec import Checkpoint
from checkpoints.errors import CheckpointsError
from checkpoints.records import Records, records_of, struct_from_records
from checkpoints.storage import Storage
from checkpoints.upgrades import MEMORY_PREFIX
from cluster.audit.problem import Problem, rows_text

NAMES: Final = (
    "sequence", "fence", "market_ms", "wire_ms", "release", "params", "due_ms", "snapshot",
    "action", "price_micro_usd", "shares_micro", "fee_micro_usd", "order_id", "fill_id",
    "realized_pnl_micro_usd", "payload",
)  # fmt: skip
_ROWS: Final = (
    f"select {', '.join(NAMES)} from valid "  # noqa: S608 own names
    "where slot = ? and sequence > ? order by sequence"
)
_decoder: Final = msgspec.msgpack.Decoder(Entry)


FOLD_CODE: Final = (
    "actors/slot/facts.py",
    "actors/slot/accounts.py",
    "actors/slot/state.py",
    "actors/messages.py",
    "signals/units.py",
    "signals/market.py",
    "signals/decision.py",
)
"""What makes a state of rows. Rows of a release in which one of these was another are not added up:
its sums may rightly be others."""
ROOT: Final = Path(__file__).resolve().parents[2]


class SameFold:
    """Tells which releases add rows up as this code does."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._own = {path: digest_of((ROOT / path).read_bytes()) for path in FOLD_CODE}
        self._known: dict[str, bool] = {}

    def __call__(self, release: str) -> bool:
        if release not in self._known:
            self._known[release] = self._is_same(release)
        return self._known[release]

    def _is_same(self, release: str) -> bool:
        try:
            manifest = load_manifest(self._storage, release)
        except CheckpointsError:
            return False  # it is named as missing or damaged elsewhere
        theirs = {file.path: file.sha256 for file in manifest.files}
        return all(theirs.get(path) == digest for path, digest in self._own.items())


class Made(msgspec.Struct, frozen=True, kw_only=True):
    rows: int
    problems: tuple[Problem, ...]


def recompute(
    view: Any, slot: str, fulls: Sequence[Checkpoint], same: SameFold, *, whole: bool
) -> Made:
    """Fold the rows after the oldest kept checkpoint; `whole`: from the first row on."""
    known = {one.meta.sequence: one for one in fulls if one.meta.schema_version == STATE_VERSION}
    begin = None if whole or not known else known[min(known)]
    state = SlotState(slot=slot) if begin is None else _state(begin)
    if begin is None and not whole:
        return Made(rows=0, problems=())
    table = view.fetch(_ROWS, slot, state.journal_sequence)
    return Made(rows=len(table), problems=tuple(_fold(state, table, known, same)))


def _state(checkpoint: Checkpoint) -> SlotState:
    return struct_from_records(SlotState, dict(_own(checkpoint.upserts)))


def _own(records: Records) -> Iterator[tuple[tuple[str, str], bytes]]:
    for key, value in records.items():
        if not key[0].startswith(MEMORY_PREFIX):
            yield key, value


def _fold(
    state: SlotState,
    table: Iterable[tuple[Any, ...]],
    known: dict[int, Checkpoint],
    same: SameFold,
) -> Iterator[Problem]:
    """Go from row to row; after a missing or unreadable one, on from the next checkpoint."""
    last_good = state.journal_sequence
    whole = True
    for values in table:
        row = dict(zip(NAMES, values, strict=True))
        entry = _entry(row)
        if isinstance(entry, Entry):
            yield from _columns(state.slot, row, entry)
        whole = whole and _follows(state, row) and same(row["release"])
        whole = whole and isinstance(entry, Entry)
        if whole and isinstance(entry, Entry):
            state = apply_entry(state, entry)
            yield from _total(state, row)
        checkpoint = known.get(row["sequence"])
        if checkpoint is None:
            continue
        if whole and records_of(state) != dict(_own(checkpoint.upserts)):
            said = f"they do not lead to the checkpoint of row {row['sequence']}"
            subject = f"{state.slot} {rows_text(last_good + 1, row['sequence'])}"
            yield Problem(kind="altered", subject=subject, reason=said)
        state, last_good, whole = _state(checkpoint), row["sequence"], True


def _follows(state: SlotState, row: dict[str, Any]) -> bool:
    following: bool = row["sequence"] == state.journal_sequence + 1
    return following


def _entry(row: dict[str, Any]) -> Entry | None:
    try:
        return _decoder.decode(row["payload"] or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # of newer code, or damaged: `audit trade` names it where it matters


def _columns(slot: str, row: dict[str, Any], entry: Entry) -> Iterator[Problem]:
    """Compare columns that every release fills from the payload alone."""
    told = {name: getattr(entry, name) for name in ("sequence", "fence", "market_ms", "wire_ms")}
    fact = entry.fact
    if isinstance(fact, DecisionFact):
        told |= {"due_ms": fact.due_ms, "snapshot": fact.snapshot, "release": fact.release}
        told |= {"params": fact.params, "action": str(fact.decision.action)}
    elif isinstance(fact, OrderFact):
        names = ("order_id", "fill_id", "fee_micro_usd")
        told |= {name: getattr(fact.event, name) for name in names if hasattr(fact.event, name)}
        if isinstance(fact.event, OrderSigned | Filled):
            told |= {"price_micro_usd": fact.event.price, "shares_micro": fact.event.shares}
    wrong = [name for name, value in told.items() if row[name] not in (None, value)]
    if wrong:
        said = ", ".join(f"{name} {row[name]}, its payload says {told[name]}" for name in wrong)
        yield Problem(kind="altered", subject=f"{slot} row {row['sequence']}", reason=said)


def _total(state: SlotState, row: dict[str, Any]) -> Iterator[Problem]:
    total = row["realized_pnl_micro_usd"]
    if total is not None and total != state.realized_pnl_micro_usd:
        said = (
            f"its running total is {total}, the rows up to it make {state.realized_pnl_micro_usd}"
        )
        yield Problem(kind="altered", subject=f"{state.slot} row {row['sequence']}", reason=said)
