"""The slot's own clock: from a due decision point to a journaled decision.

A point is decided, or given up with its cause once its deadline has passed; never dated back. A
snapshot that does not come and a strategy that fails are decisions too: "no trade", and why.
"""

from typing import Final

from msgspec.structs import replace

from actors.slot.answer import (
    Occasion,
    Sender,
    fault_of,
    intents_of,
    no_trade,
    position_in,
    strategy_error,
)
from actors.slot.events import (
    AskSnapshot,
    Event,
    RunStrategy,
    SnapshotArrived,
    SnapshotMissing,
    StrategyAnswered,
    WakeAt,
)
from actors.slot.facts import DecisionFact, MissedFact
from actors.slot.seat import (
    OUTBOX_GAPS_MAX,
    SHARE_OF_DEADLINE,
    SNAPSHOT_TIMEOUT_MS,
    STRATEGY_TIMEOUT_MS,
    Pending,
    Phase,
    Seat,
    Step,
    next_points,
    record,
)
from signals.decision import Action, Decision
from signals.market import CYCLE_MS, DecisionPoint, deadline_ms
from signals.snapshot import MarketView

MISSED_WALK_MAX: Final = 100_000
"""Decision points looked at after a downtime (a year of cycles); an older gap is one gap too."""


def keep_time(seat: Seat, event: Event) -> Step:
    """Give up what is overdue, begin what is due, and ask to be woken for what comes next."""
    seat, given_up = _give_up_pending(seat, event)
    if seat.phase is not Phase.ACTIVE or seat.pending is not None:
        return seat, given_up
    seat, missed = _give_up_missed(seat, event)
    seat, begun = _begin(seat, event)
    return seat, (*given_up, *missed, *begun)


def _give_up_pending(seat: Seat, event: Event) -> Step:
    pending = seat.pending
    if pending is None or event.market_ms < pending.deadline_ms:
        return seat, ()
    doing = "no snapshot" if pending.snapshot is None else "no answer of the strategy"
    missed = _missed(pending.point, pending.point, 1, f"late: {doing} by the deadline")
    return record(replace(seat, pending=None), event, missed)


def _give_up_missed(seat: Seat, event: Event) -> Step:
    """Note the points between the last decided one and the one that can still be decided."""
    first: DecisionPoint | None = None
    last: DecisionPoint | None = None
    count = 0
    point, following = next_points(seat, _anchor_ms(seat, event))
    while deadline_ms(point, following) <= event.market_ms and count < MISSED_WALK_MAX:
        first, last, count = first or point, point, count + 1
        point, following = next_points(seat, point.due_ms)
    if first is None or last is None:
        return replace(seat, absent="late"), ()
    fact = _missed(first, last, count, seat.absent)
    seat, effects = record(seat, event, fact)
    return replace(seat, absent="late"), effects


def _anchor_ms(seat: Seat, event: Event) -> int:
    """Return the time after which decision points are this slot's duty."""
    return seat.state.decided_due_ms or seat.state.started_ms or event.market_ms


def _missed(first: DecisionPoint, last: DecisionPoint, count: int, cause: str) -> MissedFact:
    return MissedFact(
        first_due_ms=first.due_ms,
        last_due_ms=last.due_ms,
        count=count,
        cause=cause,
        declared=cause == "stopped",
    )


def _begin(seat: Seat, event: Event) -> Step:
    point, following = next_points(seat, _anchor_ms(seat, event))
    if point.due_ms > event.market_ms:
        return _wake(seat, point.due_ms)
    deadline = deadline_ms(point, following)
    timeout_ms = _share_of_rest(seat, event, deadline, SNAPSHOT_TIMEOUT_MS)
    pending = Pending(point=point, deadline_ms=deadline)
    ask = AskSnapshot(due_ms=point.due_ms, timeout_ms=timeout_ms)
    seat, wake = _wake(replace(seat, pending=pending), deadline)
    return seat, (ask, *wake)


def _wake(seat: Seat, market_ms: int) -> Step:
    """Ask to be woken, once for each moment."""
    if seat.wake_ms == market_ms:
        return seat, ()
    return replace(seat, wake_ms=market_ms), (WakeAt(market_ms=market_ms),)


def _share_of_rest(seat: Seat, event: Event, deadline: int, limit_ms: int) -> int:
    left_wire_ms = (deadline - event.market_ms) / seat.rules.clock.speed
    return max(1, min(limit_ms, int(left_wire_ms * SHARE_OF_DEADLINE)))


def apply_snapshot(seat: Seat, event: SnapshotArrived | SnapshotMissing) -> Step:
    pending = seat.pending
    if pending is None or pending.point.due_ms != event.due_ms or pending.snapshot is not None:
        return keep_time(seat, event)
    if event.market_ms >= pending.deadline_ms:
        return keep_time(seat, event)
    if isinstance(event, SnapshotMissing):
        return _decide_without(seat, event, f"stale: no snapshot: {event.cause}")
    snapshot = event.snapshot
    if (snapshot.asset, snapshot.due_ms) != (seat.who.seat.asset, event.due_ms):
        what = f"snapshot of {snapshot.asset} due {snapshot.due_ms}"
        return _decide_without(seat, event, f"stale: wrong {what}")
    market = snapshot.market(seat.who.seat.timeframe)
    position = position_in(seat.state, market, seat.rules.allocation_micro_usd)
    timeout_ms = _share_of_rest(seat, event, pending.deadline_ms, STRATEGY_TIMEOUT_MS)
    run = RunStrategy(
        due_ms=event.due_ms,
        snapshot=snapshot,
        position=position,
        state=seat.state,
        memory=seat.memory,
        params=seat.params,
        timeout_ms=timeout_ms,
    )
    pending = replace(pending, digest=event.digest, snapshot=snapshot, position=position)
    return replace(seat, pending=pending), (run,)


def _decide_without(seat: Seat, event: Event, reason: str) -> Step:
    pending = seat.pending
    assert pending is not None
    position = position_in(seat.state, None, seat.rules.allocation_micro_usd)
    fact = _fact(seat, replace(pending, position=position), no_trade(reason))
    return _journal(seat, event, fact)


def apply_strategy_answer(seat: Seat, event: StrategyAnswered) -> Step:
    pending = seat.pending
    if pending is None or pending.point.due_ms != event.due_ms or pending.snapshot is None:
        return keep_time(seat, event)
    if event.market_ms >= pending.deadline_ms:
        return keep_time(seat, event)
    market = _market(seat, pending)
    decision, failed = event.decision, event.failed
    fault = None if failed else fault_of(decision, market)
    if fault is not None:
        decision, failed = strategy_error(fault), True
    decision = _hold_back(seat, pending, decision)
    fact = _fact(seat, pending, decision)
    fact = replace(fact, pre_state_hash=event.pre_state_hash, strategy_failed=failed)
    if not failed:
        changes = event.memory_changes
        fact = replace(fact, memory_changes=changes, memory_hash=event.memory_hash)
        seat = replace(seat, memory=event.memory)
    if decision.legs and market is not None:
        intents = intents_of(decision, _sender(seat), _occasion(pending, market, event))
        fact = replace(fact, intents=intents)
    return _journal(seat, event, fact)


def _market(seat: Seat, pending: Pending) -> MarketView | None:
    """Return the market of the decision point's own window, if the snapshot has it."""
    assert pending.snapshot is not None
    market = pending.snapshot.market(seat.who.seat.timeframe)
    return market if market is not None and market.window == pending.point.window else None


def _hold_back(seat: Seat, pending: Pending, decision: Decision) -> Decision:
    """Take no new risk on an uncertain position: the decision stays, its legs do not."""
    if decision.action is Action.NO_TRADE or seat.outbox_gaps < OUTBOX_GAPS_MAX:
        return decision
    reason = f"held: {seat.outbox_gaps} outbox pages with a gap; wanted: {decision.reason}"
    assert pending.snapshot is not None
    return replace(decision, action=Action.NO_TRADE, legs=(), reason=reason)


def _fact(seat: Seat, pending: Pending, decision: Decision) -> DecisionFact:
    attestation = seat.who.attestation
    assert pending.position is not None
    return DecisionFact(
        due_ms=pending.point.due_ms,
        window_open_ms=pending.point.window.open_ms,
        timeframe=pending.point.window.timeframe,
        snapshot=pending.digest,
        complete=pending.snapshot is not None and pending.snapshot.complete,
        position=pending.position,
        decision=decision,
        release=attestation.release,
        commit=attestation.commit,
        params=seat.params_id,
        strategy=seat.rules.strategy,
        memory_version=seat.rules.memory_version,
    )


def _sender(seat: Seat) -> Sender:
    return Sender(
        slot=seat.who.slot,
        incarnation=seat.who.incarnation,
        fence=seat.fence,
        release=seat.who.attestation.release,
        commit=seat.who.attestation.commit,
        params=seat.params_id,
    )


def _occasion(pending: Pending, market: MarketView, event: Event) -> Occasion:
    return Occasion(
        due_ms=pending.point.due_ms,
        timeframe=pending.point.window.timeframe,
        snapshot=pending.digest or "",
        market=market,
        wire_ms=event.wire_ms,
    )


def _journal(seat: Seat, event: Event, fact: DecisionFact) -> Step:
    """Write the decision down; its intents wait until the row is durable."""
    seat, effects = record(replace(seat, pending=None), event, fact)
    sequence = seat.state.journal_sequence
    unsent = (*seat.unsent, *((sequence, intent) for intent in fact.intents))
    every = max(1, seat.rules.timing.checkpoint_every_decisions)
    wanted = seat.checkpoint_wanted or seat.state.counts.decisions % every == 0
    seat = replace(seat, unsent=unsent, checkpoint_wanted=wanted)
    seat, onward = keep_time(seat, event)
    return seat, (*effects, *onward)


def quiet_for_ms(seat: Seat, market_ms: int) -> int:
    """Return the market time until the next decision is due; 0 while one is at work."""
    if seat.pending is not None:
        return 0
    after_ms = max(seat.state.decided_due_ms, seat.state.started_ms, market_ms - CYCLE_MS)
    return max(0, next_points(seat, after_ms)[0].due_ms - market_ms)
