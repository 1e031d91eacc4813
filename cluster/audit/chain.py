"""One trade from what was seen to what was paid, each step with the release that did it."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from actors.messages import Intent, OutboxEvent
from actors.slot.facts import DecisionFact, Entry, OrderFact
from checkpoints.archive import UNKNOWN_COMMIT, commit_of
from checkpoints.errors import CheckpointsError
from checkpoints.snapshots import SnapshotStore, decode_snapshot, maker_of
from cluster.audit.chain_lines import Line, Seen, SeenInput, Step, intent_in, lines_of
from cluster.audit.errors import AuditError
from cluster.audit.journal_view import JournalView
from cluster.audit.problem import Problem
from cluster.audit.trades import Trade, TradeFilter, find_trades
from signals.decision import Decision
from signals.market import day_of

PREFIX_MIN: Final = 6
"""Digits of an order id that are enough where they name one order."""
NEAR_SHOWN: Final = 5
_decoder: Final = msgspec.msgpack.Decoder(Entry)


class TradeChain(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    slot: str
    window_open_ms: int
    due_ms: int
    intent: Intent | None
    decision: Decision | None
    snapshot: str | None
    inputs: tuple[SeenInput, ...]
    trade: Trade | None
    """None where risk refused the intent."""
    lines: tuple[Line, ...]
    releases: tuple[str, ...]
    """All that had a hand in it, of whichever actor, in order."""
    params: str | None
    problems: tuple[Problem, ...]


def trade_chain(view: JournalView, identity: str) -> TradeChain:
    """Follow one trade by intent id or order id (or its beginning); raise `AuditError`."""
    intent_id = intent_of(view, identity)
    slot, window_open_ms, due_ms, _ = intent_id.split("/")
    problems: list[Problem] = []
    decisions = _steps(
        view, problems, "slot = ? and due_ms = ? and kind = 'decision'", slot, due_ms
    )
    events = _events(view, problems, slot, intent_id)
    decided = next(
        (
            s
            for s in decisions
            if isinstance(s.event, DecisionFact) and intent_in(s.event, intent_id)
        ),
        decisions[0] if decisions else None,
    )
    fact = decided.event if decided and isinstance(decided.event, DecisionFact) else None
    if fact is None:
        said = f"the decision of {intent_id} is not in the journal"
        problems.append(Problem(kind="missing", subject="decision", reason=said))
    seen = _seen(view, fact, problems)
    trades = find_trades(view, TradeFilter(slot=slot))
    trade = next((one for one in trades if one.intent_id == intent_id), None)
    days = sorted({day_of(step.market_ms) for step in (*decisions, *events)})
    problems += view.days_damaged(days)
    lines = tuple(_with_commits(view, lines_of(decided, seen, intent_id, events, trade)))
    return TradeChain(
        id=identity,
        slot=slot,
        window_open_ms=int(window_open_ms),
        due_ms=int(due_ms),
        intent=None if fact is None else intent_in(fact, intent_id),
        decision=None if fact is None else fact.decision,
        snapshot=None if fact is None else fact.snapshot,
        inputs=seen.inputs,
        trade=trade,
        lines=lines,
        releases=tuple(dict.fromkeys(name for line in lines for name in _releases_of(line))),
        params=None if fact is None else fact.params,
        problems=(*problems, *view.problems()),
    )


def intent_of(view: JournalView, identity: str) -> str:
    """Return the intent id behind an intent or order id, or its beginning; raise `AuditError`."""
    found = view.fetch(
        "select distinct intent_id from valid where intent_id = ? or order_id = ?",
        identity,
        identity,
    )
    if not found and len(identity) >= PREFIX_MIN:
        found = view.fetch(
            "select distinct intent_id from valid where intent_id is not null and "
            "(starts_with(order_id, ?) or starts_with(intent_id, ?)) limit ?",
            identity,
            identity,
            NEAR_SHOWN + 1,
        )
    names = [name for (name,) in found if name is not None]
    if len(names) == 1:
        return str(names[0])
    if names:
        raise AuditError(f"{identity} begins several trades: {', '.join(sorted(names))}")
    last = view.fetch(
        "select intent_id from valid where action = 'order_signed' order by market_ms desc limit ?",
        NEAR_SHOWN,
    )
    known = ", ".join(name for (name,) in last) or "none at all"
    if len(identity) < PREFIX_MIN:
        raise AuditError(
            f"{identity} is too short: write at least {PREFIX_MIN} letters of an order or intent id"
        )
    raise AuditError(
        f"no trade {identity} is in the journal; ids are an intent id (slot/window/due/leg) or an "
        f"order id; the latest are {known}{view.lost}"
    )


def _steps(view: JournalView, problems: list[Problem], where: str, *values: object) -> list[Step]:
    rows = view.fetch(
        "select slot, sequence, fence, market_ms, release, commit, payload from valid "  # noqa: S608 own text
        f"where {where} order by sequence",
        *values,
    )
    steps: list[Step] = []
    for slot, sequence, fence, market_ms, release, commit, payload in rows:
        try:
            fact = _decoder.decode(payload or b"").fact
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            subject = f"{slot} row {sequence}"
            problems.append(Problem(kind="altered", subject=subject, reason=str(error)))
            continue
        event = fact.event if isinstance(fact, OrderFact) else fact
        if isinstance(event, DecisionFact | OutboxEvent):
            steps.append(
                Step(
                    sequence=sequence,
                    fence=fence,
                    market_ms=market_ms,
                    release=release,
                    commit=commit,
                    event=event,
                )
            )
    return steps


def _events(view: JournalView, problems: list[Problem], slot: str, intent_id: str) -> list[Step]:
    """Return the order events of a trade: its order's, its fills', and its market's settlement."""
    where = """slot = $1 and kind = 'order_event' and (intent_id = $2
      or order_id in (select order_id from valid where intent_id = $2 and order_id is not null)
      or fill_id in (select fill_id from valid where slot = $1 and action = 'filled' and order_id in
        (select order_id from valid where intent_id = $2 and order_id is not null))
      or (action = 'settled' and condition_id in (select condition_id from valid
        where intent_id = $2 and condition_id is not null)))"""
    return _steps(view, problems, where, slot, intent_id)


def _releases_of(line: Line) -> Iterator[str]:
    if line.release is not None:
        yield line.release
    yield line.booked_release


def _with_commits(view: JournalView, lines: Iterable[Line]) -> Iterator[Line]:
    """Put in the commits that the journal's rows do not hold, or did not know yet."""
    known: dict[str, str] = {}
    for line in lines:
        if line.release is None or line.commit not in (None, UNKNOWN_COMMIT):
            yield line
            continue
        if line.release not in known:
            known[line.release] = commit_of(view.storage, line.release)
        yield msgspec.structs.replace(line, commit=known[line.release])


def _seen(view: JournalView, fact: DecisionFact | None, problems: list[Problem]) -> Seen:
    if fact is None or fact.snapshot is None:
        return Seen()
    try:
        data = SnapshotStore(view.storage).get(fact.snapshot, day_of(fact.due_ms))
        ages, maker = decode_snapshot(data).ages, maker_of(data)
    except CheckpointsError as error:
        subject = f"snapshot {fact.snapshot}"
        problems.append(Problem(kind="missing", subject=subject, reason=str(error)))
        return Seen()
    inputs = tuple(
        SeenInput(feed=str(age.feed), age_ms=age.age_ms, limit_ms=age.limit_ms, fresh=age.fresh)
        for age in ages
    )
    return Seen(inputs=inputs, release=maker)
