"""Rehearse what the supervisor is for: an empty seat is filled, a bad release goes back."""

from typing import Final

from msgspec.structs import replace

from actors.config import Timing
from actors.gateway.flight import Flight
from actors.gateway.ledger import Ledger
from actors.gateway.status import GatewayStatus, Identity, Latency, status_of
from actors.messages import FenceRecord
from actors.rehearsal.room import RehearsalError
from actors.supervisor.conduct import Made, Outcome
from actors.supervisor.events import (
    AnyEffect,
    AnyEvent,
    CreateShared,
    CreateSlot,
    DecisionsRead,
    FencesRead,
    GatewaySeen,
    OpenSeat,
    RaiseAlarm,
    RolloutSeen,
    SeatOpened,
    SharedSilent,
    StartAsked,
    Ticked,
)
from actors.supervisor.shared_watch import SILENT_MS
from actors.supervisor.state import GATEWAY, Rules, SupervisorState
from actors.supervisor.step import step
from signals.market import CYCLE_MS
from signals.market_time import MarketClock

SLOT: Final = "btc-5m"
BEGIN_MS: Final = 1_000 * CYCLE_MS
AFTER_MS: Final = 20_000
"""Of a decision point, after its boundary."""
TICK_MS: Final = 4_000
LOOK_MS: Final = 1_000
POINTS_MAX: Final = 4
"""Two bad ones are enough; the others are spare."""
BEFORE, BAD = "aa" * 32, "bb" * 32


class _Course:
    """The release's own machine, alone, on a clock of its own: market time is wire time."""

    def __init__(self) -> None:
        self.state = SupervisorState(rules=Rules(timing=Timing(), clock=MarketClock()))
        self.now_ms = BEGIN_MS
        self.effects: list[AnyEffect] = []

    def apply(self, event: AnyEvent) -> None:
        now = replace(event, wire_ms=self.now_ms, market_ms=self.now_ms)
        self.state, effects = step(self.state, now)
        self.effects += effects

    def read(self, release: str, due_ms: int, outcome: Outcome) -> None:
        fence = 1 if release == BEFORE else 2
        made = Made(
            slot=SLOT, due_ms=due_ms, release=release, fence=fence, outcome=outcome, reason="played"
        )
        self.apply(
            DecisionsRead(
                made=(made,), read_to_ms=self.now_ms, writable=True, wire_ms=0, market_ms=0
            )
        )


def fills_a_seat() -> None:
    course = _Course()
    course.apply(StartAsked(slots=(SLOT,), wire_ms=0, market_ms=0))
    course.apply(FencesRead(owners={}, history={}, wire_ms=0, market_ms=0))
    course.apply(Ticked(wire_ms=0, market_ms=0))
    if not any(isinstance(one, OpenSeat) and one.slot == SLOT for one in course.effects):
        raise RehearsalError("a slot that nobody owns gets no seat")
    course.apply(SeatOpened(slot=SLOT, incarnation=1, release=BEFORE, wire_ms=0, market_ms=0))
    if not any(isinstance(one, CreateSlot) and one.incarnation == 1 for one in course.effects):
        raise RehearsalError("a seat that was opened gets no slot")


def takes_a_slot_back() -> None:
    """A slot's proven release is replaced by one whose every decision fails."""
    course = _Course()
    course.apply(StartAsked(slots=(SLOT,), wire_ms=0, market_ms=0))
    owners = (_owner(BEFORE, 1, None), _owner(BAD, 2, "r0001-btc-5m"))
    course.apply(
        FencesRead(owners={SLOT: owners[-1]}, history={SLOT: owners}, wire_ms=0, market_ms=0)
    )
    for ago in (3, 2):
        course.read(BEFORE, BEGIN_MS - ago * CYCLE_MS + AFTER_MS, Outcome.GOOD)
    for _ in range(POINTS_MAX):
        for _ in range(CYCLE_MS // TICK_MS):
            course.now_ms += TICK_MS
            course.apply(Ticked(wire_ms=0, market_ms=0))
        due_ms = (course.now_ms - AFTER_MS) // CYCLE_MS * CYCLE_MS + AFTER_MS
        course.read(BAD, due_ms, Outcome.FAILED)
    if not any(isinstance(one, OpenSeat) and one.release == BEFORE for one in course.effects):
        raise RehearsalError("a slot whose release turned bad is not taken back")
    if not any(isinstance(one, RaiseAlarm) and one.subject == SLOT for one in course.effects):
        raise RehearsalError("a slot whose release turned bad raises no alarm")


def takes_a_shared_actor_back() -> None:
    """A gateway that a roll brought goes silent."""
    course = _Course()
    course.apply(
        RolloutSeen(rollout=None, replaced_shared={GATEWAY: (BAD, BEFORE)}, wire_ms=0, market_ms=0)
    )
    course.apply(GatewaySeen(status=_serving(), wire_ms=0, market_ms=0))
    for _ in range(SILENT_MS // LOOK_MS + 2):
        course.now_ms += LOOK_MS
        course.apply(
            SharedSilent(who=GATEWAY, missing=False, reason="played", wire_ms=0, market_ms=0)
        )
    if not any(isinstance(one, CreateShared) and one.release == BEFORE for one in course.effects):
        raise RehearsalError("a gateway whose release went silent is not taken back")


def _serving() -> GatewayStatus:
    who = Identity(name="gateway/2", pid=7, process_start=1, node_id="", life="7-1", release=BAD)
    return status_of(who, "serving", Ledger(), Flight(), Latency(), 0, 0)


def _owner(release: str, fence: int, handoff: str | None) -> FenceRecord:
    return FenceRecord(
        slot=SLOT,
        fence=fence,
        incarnation=fence,
        life="7-7",
        release=release,
        commit="c",
        params="p",
        journal_sequence=0,
        outbox_sequence=0,
        handoff=handoff,
        granted_wire_ms=BEGIN_MS - CYCLE_MS // 2,
    )


DUTIES: Final = (fills_a_seat, takes_a_slot_back, takes_a_shared_actor_back)
