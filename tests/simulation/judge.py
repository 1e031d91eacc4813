"""The verdict on a world that has come to rest: every book says the same, nothing is left over."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from actors.rollout.handoff_state import Step
from actors.rollout.rollout_state import Phase as RollPhase
from actors.slot.facts import DecisionFact
from actors.slot.recovery import MemoryKind, flush_bounds, recover
from actors.slot.rows import entry_of
from actors.slot.seat import Phase, Seat
from actors.slot.state import SlotState
from actors.supervisor.standing import PROVEN_GOOD
from actors.supervisor.taking_back import NO_WAY_BACK
from checkpoints.alarms import AlarmStore
from checkpoints.journal import Journal
from checkpoints.journal_rows import valid_rows
from signals.market import Slot, deadline_ms, decision_points
from tests.simulation.fault_kinds import GRACE_S, Declared, Fault
from tests.simulation.slot_actor import STRATEGY
from tests.simulation.strategies import Kind, Memory

if TYPE_CHECKING:
    from tests.simulation.rolls import Roll
    from tests.simulation.slot_actor import SlotActor
    from tests.simulation.world import World

GOOD: Final = (Kind.GOOD, Kind.EDITED)
FAILS_LATER: Final = (Kind.RAISES_LATER, Kind.BLOCKS_LATER, Kind.DIES_LATER)
ROLL_STOPPERS: Final = frozenset(Fault) - {Fault.VENUE_RESTART, Fault.CRASH_SUPERVISOR}


class _Books(msgspec.Struct, frozen=True):
    """What a slot's journal says, read once."""

    began_ms: int
    """Market time of the first row: nothing was due before."""
    decisions: tuple[tuple[DecisionFact, int], ...]
    """Of valid rows, each with its market time."""


def owner_of(world: "World", slot: str) -> "SlotActor | None":
    record = world.monitor.fence(slot)
    if record is None:
        return None
    actor = world.slot_actors.get(f"{slot}/{record.incarnation}")
    return actor if actor is not None and not actor.gone else None


def at_rest(world: "World") -> bool:
    """Tell whether nothing is under way any more."""
    ledger = world.monitor.ledger
    if not all(roll.gone for roll in world.shared_rolls) or world.succession.unrest():
        return False
    if not all(roll.gone or roll.ended for roll in world.rolls):
        return False
    if ledger.orders or ledger.undecided or not all(m.settled for m in ledger.markets.values()):
        return False
    if not all(trade.status.final for trade in world.exchange.trades.values()):
        return False  # a fill that came late is still on its way, also where its market is settled
    return all(_slot_rests(world, slot) and not _left_over(world, slot) for slot in world.slots)


def has_no_way_back(world: "World", slot: str) -> bool:
    """Tell whether a release that keeps its slot from deciding stays, as the rule says.

    No other release has made in the slot the good decisions that prove one, and an alarm says so.
    """
    record = world.monitor.fence(slot)
    if record is None or world.releases[record.release].kind in GOOD:
        return False
    releases = {each.fence: each.release for each in world.monitor.fences.get(slot, ())}
    made = Counter(releases.get(fence) for _, fence, _ in world.monitor.memories.get(slot, ()))
    proven = {release for release, count in made.items() if count >= PROVEN_GOOD}
    raised = {
        (state.alarm.subject, state.alarm.release)
        for state in AlarmStore(world.disk).history()
        if state.alarm.kind == NO_WAY_BACK
    }
    return proven <= {record.release} and (slot, record.release[:12]) in raised


def _slot_rests(world: "World", slot: str) -> bool:
    actor = owner_of(world, slot)
    seat = actor.seat if actor is not None else None
    record = world.monitor.fence(slot)
    if seat is None or record is None or seat.phase is not Phase.ACTIVE:
        return False
    box = world.monitor.ledger.outbox.get(slot)
    applied = box is None or seat.state.outbox_sequence == box.last_sequence
    waiting = seat.state.intents.keys() - world.monitor.refused_before
    return seat.fence == record.fence and applied and seat.all_durable and not waiting


def judge(world: "World", declared: list[Declared]) -> None:
    """Blame everything that does not hold at the end."""
    books = {slot: _read_books(world, slot) for slot in world.slots}
    for slot in world.slots:
        _judge_slot(world, slot)
        _judge_decisions(world, slot, books[slot], declared)
    _judge_orders(world, books.values())
    for what in world.succession.unrest():
        world.monitor.blame(what)
    for each in world.rolls:
        _judge_roll(world, each, declared)


def _judge_slot(world: "World", slot: str) -> None:
    blame, actor = world.monitor.blame, owner_of(world, slot)
    seat: Seat | None = actor.seat if actor is not None else None
    if seat is None or not _slot_rests(world, slot):
        if has_no_way_back(world, slot):
            return
        ledger = world.monitor.ledger
        why = "nobody" if seat is None else f"{seat.phase} {seat.fence} {list(seat.state.intents)}"
        box = ledger.outbox.get(slot)
        end = box.last_sequence if box else 0
        applied = 0 if seat is None else seat.state.outbox_sequence
        blame(f"{slot}: does not come to rest: {why}, outbox {applied} of {end}")
        return
    _judge_money(world, slot, seat.state)
    if others := _left_over(world, slot):
        blame(f"{slot}: left over beside its owner: {others}")


def _left_over(world: "World", slot: str) -> list[str]:
    """Name the incarnations that did not leave; one that just lost its slot may be on its way."""
    owner = owner_of(world, slot)
    actors = world.slot_actors.values()
    return [a.name for a in actors if a.slot == slot and not a.gone and a is not owner]


def _judge_money(world: "World", slot: str, state: SlotState) -> None:
    blame = world.monitor.blame
    venue = world.exchange.cash_micro_usd(slot)
    if state.cash_micro_usd != venue:
        blame(f"{slot}: its books say {state.cash_micro_usd} micro-USD, the venue {venue}")
    wanted = MemoryKind(strategy=STRATEGY, kind=Memory)
    found = recover(world.disk, slot, wanted)
    if found.state.cash_micro_usd != venue or found.state.positions != state.positions:
        blame(f"{slot}: its journal says {found.state.cash_micro_usd} micro-USD, the venue {venue}")


def _judge_orders(world: "World", books: Iterable[_Books]) -> None:
    monitor, exchange = world.monitor, world.exchange
    if monitor.ledger.orders or monitor.ledger.undecided:
        left = [*monitor.ledger.orders, *monitor.ledger.undecided]
        monitor.blame(f"without an end: {left}")
    if exchange.open:
        monitor.blame(f"open at the venue: {list(exchange.open)}")
    if unended := [name for name in monitor.kept if name not in monitor.ended]:
        monitor.blame(f"intents without order or refusal: {unended}")
    facts = [fact for each in books for fact, _ in each.decisions]
    for name in (intent.intent_id for fact in facts for intent in fact.intents):
        if name not in monitor.ended:
            monitor.blame(f"{name}: journaled, and neither order nor refusal")
    strangers = [name for name in exchange.posted if name not in monitor.orders]
    if strangers:
        monitor.blame(f"at the venue and unknown here: {strangers}")


def _read_books(world: "World", slot: str) -> _Books:
    read = Journal(world.disk, slot).rows_after(0)
    if read.damaged:
        world.monitor.blame(f"{slot}: damaged journal {read.damaged}")
    rows = valid_rows(read.rows, flush_bounds(world.disk, slot))
    entries = [entry_of(row) for row in rows]
    decisions = [(e.fact, e.market_ms) for e in entries if isinstance(e.fact, DecisionFact)]
    began_ms = min((row.market_ms for row in read.rows), default=world.now()[1])
    return _Books(began_ms, tuple(decisions))


def _judge_decisions(world: "World", slot: str, books: _Books, declared: list[Declared]) -> None:
    """Count due points from the calendar and decisions from durable, valid rows."""
    blame = world.monitor.blame
    decided: dict[int, int] = {}
    for fact, at_ms in books.decisions:
        if fact.due_ms in decided:
            blame(f"{slot}: decided {fact.due_ms} twice")
        decided[fact.due_ms] = at_ms
    now_ms = world.now()[1]
    points = decision_points(Slot.parse(slot).timeframe, (20_000,), books.began_ms)
    point = next(points)
    while True:
        following = next(points)
        deadline = deadline_ms(point, following)
        if deadline > now_ms:
            return
        on_time = decided.get(point.due_ms, deadline) < deadline
        if not on_time and not _covered(world, declared, slot, point.due_ms, deadline):
            blame(f"{slot}: no decision for {point.due_ms}, {world.seconds_at(point.due_ms):.1f} s")
        world.monitor.due += 1
        world.monitor.missed += not on_time
        point = following


def _covered(
    world: "World", declared: list[Declared], slot: str, due_ms: int, deadline: int
) -> bool:
    due_s, end_s = world.seconds_at(due_ms), world.seconds_at(deadline)
    if any(_nobody_takes_back(world, each, slot, due_s, end_s) for each in world.rolls):
        return True
    return any(d.slot in (None, slot) and d.from_s <= end_s and d.to_s >= due_s for d in declared)


def _nobody_takes_back(world: "World", each: "Roll", slot: str, due_s: float, end_s: float) -> bool:
    """Tell whether a release that fails to decide has a slot, and nobody who would take it back.

    Its driver was lost and the lease runs; or Ray gave the successor up unconfirmed, and
    the vacancy went to that same release: then an alarm says so, and a person decides.
    """
    if each.release.kind not in FAILS_LATER or each.began_s > end_s:
        return False
    if each.release.id in world.monitor.vacancies_of(slot):
        return True
    return each.put_away_s is not None and due_s <= each.put_away_s + GRACE_S


def _judge_roll(world: "World", each: "Roll", declared: list[Declared]) -> None:
    blame, state = world.monitor.blame, each.state
    if state is None:
        return
    steps = {slot: handoff.step for slot, handoff in state.handoffs.items()}
    if not each.ended:
        blame(f"roll {each.name} ({each.release.kind}) does not end: {state.phase} {steps}")
        return
    quiet = (
        each.whole
        and state.undo is None
        and world.network.usual.calm
        and not any(d.to_s >= each.began_s and d.fault in ROLL_STOPPERS for d in declared)
    )
    for slot, step in steps.items():
        vacated = each.release.id in world.monitor.vacancies_of(slot)
        if step is Step.STUCK and not vacated:  # who fills a vacancy is not the roll's any more
            blame(f"roll {each.name} is stuck at {slot}: {state.failure}")
    if each.release.kind in GOOD and quiet and state.phase is not RollPhase.DONE:
        blame(f"roll {each.name} to a good release failed without a fault: {state.failure}")
    if each.release.kind not in (*GOOD, Kind.ALTERS_STATE) and state.phase is RollPhase.DONE:
        blame(f"roll {each.name} to a bad release ({each.release.kind}) went through")
