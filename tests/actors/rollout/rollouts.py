"""Rollouts of a pure fleet: begun, answered at once, looked at."""

from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from actors.messages import Granted, Opened
from actors.rollout import handoff_events as on
from actors.rollout import rollout_step as roll
from actors.rollout.handoff_state import Step
from actors.rollout.handoff_table import SERIAL
from actors.rollout.rollout_pace import TOGETHER_AT_ONCE
from actors.rollout.rollout_state import Occupant, Options, Rollout, begin, begin_back
from actors.rollout.schedule import Schedule
from signals.market import CYCLE_MS, DEFAULT_SLOTS
from signals.market_time import MarketClock
from tests.actors.rollout.handoffs import (
    ADOPTED,
    PINNED,
    QUIESCED,
    WARMED,
    answered,
    decided,
    record,
    shadow,
)

SLOTS = tuple(str(slot) for slot in DEFAULT_SLOTS)
SCHEDULE = Schedule(offsets_ms=(20_000,), clock=MarketClock(speed=30))


def now(market_ms: int) -> on.Now:
    return on.Now(wire_ms=SCHEDULE.clock.wire_ms(market_ms), market_ms=market_ms)


def begun(options: Options, slots: tuple[str, ...] = SLOTS) -> Rollout:
    occupants = tuple(Occupant(slot=slot, incarnation=1, fence=4, release="old") for slot in slots)
    return begin("roll-1", "new", occupants, options, SCHEDULE, now(30_000))


def begun_back(sick: dict[str, str], slots: tuple[str, ...] = SLOTS) -> Rollout:
    occupants = tuple(
        Occupant(slot=slot, incarnation=1, fence=4, release="bad", sick=sick.get(slot))
        for slot in slots
    )
    return begin_back("roll-1", "new", occupants, Options(shadow=0), SCHEDULE, now(30_000))


def good_answer(effect: on.Effect) -> on.Event | None:  # noqa: C901, PLR0911, PLR0912 the vocabulary
    match effect:
        case on.AskBase():
            return answered(PINNED)
        case on.Open():
            return answered(Opened(incarnation=2))
        case on.Create():
            return on.Created(failure=None)
        case on.AskWarm():
            return answered(WARMED)
        case on.AskShadow():
            return shadow(1)
        case on.AskQuiesce():
            return answered(QUIESCED)
        case on.AskFence():
            return answered(Granted(record=record()))
        case on.AskAdopt():
            return answered(ADOPTED)
        case on.Dismiss():
            return on.Left()
        case on.AskOwner():
            bad = replace(record(fence=4, incarnation=1, handoff=None), release="bad")
            return on.OwnerSeen(record=bad)
        case on.Vacate():
            return on.Vacated(answer=Opened(incarnation=3))
        case on.Fill():
            return on.Filled(failure=None)
        case _:
            return None


Answerer = Callable[[str, on.Effect], on.Event | None]


def run(rollout: Rollout, answer: Answerer, cycles: int = 40) -> Rollout:
    """Answer every effect at once; let each cycle bring one decision per confirming slot."""
    for cycle in range(cycles):
        base = cycle * CYCLE_MS
        for at in range(30_000, CYCLE_MS, 30_000):
            rollout = drained(rollout, (roll.Tick(),), answer, now(base + at))
        for slot in SLOTS:
            if rollout.handoffs[slot].step is Step.CONFIRMING:
                sequence = max(10, rollout.handoffs[slot].seen_sequence + 1)
                event = roll.SlotEvent(slot=slot, event=decided(sequence=sequence))
                rollout = drained(rollout, (event,), answer, now(base + CYCLE_MS + 20_000))
    return rollout


def drained(
    rollout: Rollout, events: tuple[roll.Event, ...], answer: Answerer, at: on.Now
) -> Rollout:
    queue = deque(events)
    while queue:
        rollout, effects = roll.step(rollout, queue.popleft(), at)
        serial = [h for h in rollout.handoffs.values() if h.step in SERIAL]
        assert len(serial) <= (TOGETHER_AT_ONCE if rollout.options.together else 1)
        for effect in effects:
            event = answer(effect.slot, effect.effect)
            if event is not None:
                queue.append(roll.SlotEvent(slot=effect.slot, event=event))
    return rollout


def steps(rollout: Rollout, slots: tuple[str, ...]) -> list[Step]:
    return [rollout.handoffs[slot].step for slot in slots]
