"""Pages made of the journal: a trade, a slot, the releases; each reads only the days it shows."""

import datetime as dt
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.runtime import load_config
from actors.slot.facts import DecisionFact, Entry
from checkpoints.errors import CheckpointsError
from checkpoints.journal import JOURNAL
from checkpoints.snapshots import SnapshotStore, decode_snapshot
from cluster.audit.chain import intent_of, trade_chain
from cluster.audit.errors import AuditError
from cluster.audit.journal_view import JournalView, Within, read_journal
from cluster.audit.kept_flushes import KeptFlushes
from cluster.audit.release_curves import reports_and_curves
from cluster.audit.trades import Trade, TradeFilter, trades_table
from cluster.errors import FleetError
from cluster.web.pages import Asked
from cluster.web.views.releases import ReleasesView, releases_view
from cluster.web.views.slots import DecisionRow, OtherRow, SlotDay, SlotView, slot_view
from cluster.web.views.texts import DAY_MS, TEXT_LENGTH_MAX
from cluster.web.views.trades import (
    TRADES_MAX,
    TradeView,
    problem_lines,
    recent,
    trade_row,
    trade_view,
    within_of,
)
from signals.market import Slot, day_of
from signals.snapshot import Snapshot

RELEASE_DAYS: Final = 14
"""Of market time on the page of releases; `audit releases --html` has the whole record."""
RELEASE_DAYS_MAX: Final = 92
_DECISIONS: Final = f"""
select sequence, due_ms, window_open_ms, market_ms, release, action,
  left(coalesce(reason, ''), {TEXT_LENGTH_MAX}) as reason,
  length(coalesce(reason, '')) as reason_length, probability_up, market_mid_up, fair_up,
  coalesce(complete, false) as complete, intent_id
from valid where kind = 'decision' and market_ms > ? order by sequence
"""  # noqa: S608 a number of ours
_OTHERS: Final = f"""
select market_ms, action, release, fence, incarnation, outcome, side, price_micro_usd,
  shares_micro, due_ms, left(coalesce(reason, ''), {TEXT_LENGTH_MAX}) as reason
from valid where action in ('filled', 'claimed', 'missed') and market_ms > ? order by sequence
"""  # noqa: S608 a number of ours
_PAYLOAD: Final = "select payload from valid where kind = 'decision' and due_ms = ?"
_LAST_SEEN: Final = """
select snapshot, due_ms from valid where kind = 'decision' and snapshot is not null
order by due_ms desc limit 1
"""
KEPT: Final = KeptFlushes()
"""Of this process: what its pages have read of the days that are not closed."""
_decoder: Final = msgspec.msgpack.Decoder(Entry)


def days_of(root: Path) -> list[str]:
    """Return the days of market time that a journal has rows of, oldest first; one listing."""
    try:
        names = {file.name.removesuffix(".parquet") for file in (root / JOURNAL).iterdir()}
    except OSError:
        return []
    return sorted(name for name in names if _is_day(name))


def last_day(root: Path) -> str:
    """Return the latest day of a journal; raise `FleetError` where there is none."""
    days = days_of(root)
    if not days:
        raise FleetError("nothing was decided here yet: the journal is empty")
    return days[-1]


def _is_day(name: str) -> bool:
    try:
        return str(dt.date.fromisoformat(name)) == name
    except ValueError:
        return False


def before(day: str, days: int) -> str:
    return str(dt.date.fromisoformat(day) - dt.timedelta(days=days))


def trade_page(asked: Asked) -> TradeView:
    """Show one trade, or without an id the latest ones to choose from."""
    root, identity = asked.state.storage, asked.query.get("id", "").strip()[:200]
    day = last_day(root)
    if not identity:
        return _latest_trades(root, day, "")
    try:
        return read_journal(
            root, lambda view: _chain(view, identity), within=within_of(identity, day), kept=KEPT
        )
    except AuditError as error:
        return _latest_trades(root, day, f"{error} (looked at the latest days of the journal)")


def _chain(view: JournalView, identity: str) -> TradeView:
    return trade_view(trade_chain(view, identity), intent_of(view, identity))


def _latest_trades(root: Path, day: str, missing: str) -> TradeView:
    def read(view: JournalView) -> TradeView:
        table = trades_table(view, TradeFilter())
        latest = table.slice(max(0, table.num_rows - TRADES_MAX)).to_pylist()
        return TradeView(
            asked="",
            missing=missing,
            trades=tuple(trade_row(Trade(**row)) for row in latest[::-1]),
            since=within.first_day,
        )

    within = recent(day)
    return read_journal(root, read, within=within, kept=KEPT)


def releases_page(asked: Asked) -> ReleasesView:
    """Compare the releases of the last days; `?days=` asks for fewer or more of them."""
    root = asked.state.storage
    days = _number(asked.query.get("days", ""), RELEASE_DAYS, RELEASE_DAYS_MAX)
    since = before(last_day(root), days - 1)

    def read(view: JournalView) -> ReleasesView:
        reports, curves = reports_and_curves(view)
        return releases_view(reports, curves, view.problems(), days, since)

    return read_journal(root, read, within=Within(first_day=since), kept=KEPT)


def slot_page(asked: Asked) -> SlotView:
    """Show the last day of a slot, and one of its decisions with its factors."""
    root = asked.state.storage
    day = last_day(root)
    slots = _slots(root, day)
    slot = asked.query.get("slot", slots[0] if slots else "")
    if slot not in slots:
        raise FleetError(f"no slot {slot[:20]} has decided here; there are: {', '.join(slots)}")
    due_ms = _number(asked.query.get("due", ""), 0, 1 << 53)
    found = read_journal(
        root,
        lambda view: _slot_day(view, slot, due_ms),
        within=Within(slot=slot, first_day=before(day, 2)),
        kept=KEPT,
    )
    return slot_view(found, slots)


def _slots(root: Path, day: str) -> list[str]:
    """Return the fleet's slots in the order of every list; without a configuration, the day's."""
    try:
        names = {one.slot for one in load_config(str(root)).slots}
    except (CheckpointsError, FileNotFoundError):
        rows = read_journal(
            root,
            lambda view: view.fetch("select distinct slot from rows"),
            within=Within(first_day=before(day, 1)),
            kept=KEPT,
        )
        names = {name for (name,) in rows}
    known = [name for name in names if Slot.is_name(name)]
    return sorted(known, key=lambda name: Slot.parse(name).place)


def _slot_day(view: JournalView, slot: str, due_ms: int) -> SlotDay:
    ends = view.fetch("select max(market_ms) from valid")
    since_ms = (ends[0][0] or 0) - DAY_MS
    decisions = _structs(view, _DECISIONS, since_ms, DecisionRow)
    asked_ms = due_ms or max((one.due_ms for one in decisions), default=0)
    return SlotDay(
        slot=slot,
        decisions=tuple(decisions),
        others=tuple(_structs(view, _OTHERS, since_ms, OtherRow)),
        chosen=_decision(view, asked_ms),
        snapshot=_snapshot(view),
        problems=problem_lines(view.problems()),
    )


def _structs(view: JournalView, query: str, since_ms: int, kind: type[Any]) -> list[Any]:
    return [kind(**row) for row in view.arrow(query, since_ms).to_pylist()]


def _decision(view: JournalView, due_ms: int) -> DecisionFact | None:
    for (payload,) in view.fetch(_PAYLOAD, due_ms):
        try:
            fact = _decoder.decode(payload or b"").fact
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # of newer code, or damaged: `audit check` names it
        if isinstance(fact, DecisionFact):
            return fact
    return None


def _snapshot(view: JournalView) -> Snapshot | None:
    """Return what the latest decision saw; a lost one leaves the chart of the price empty."""
    for digest, due_ms in view.fetch(_LAST_SEEN):
        try:
            return decode_snapshot(SnapshotStore(view.storage).get(digest, day_of(due_ms)))
        except CheckpointsError:
            return None
    return None


def _number(text: str, otherwise: int, most: int) -> int:
    """Read a number from an address; anything else is the usual one."""
    return min(int(text[:20]), most) if text.isascii() and text[:20].isdigit() else otherwise
