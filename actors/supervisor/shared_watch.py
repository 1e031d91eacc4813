"""Whether a shared actor on a release that a roll brought does its work, and what happens if not.

What the rehearsal of a release cannot see shows here: deaths, silence, a gateway that does not
serve or sends no heartbeats, market data that makes no snapshots. The release that the roll
replaced is then brought back, once: a way back leaves nothing to go back to.
"""

from typing import Final

from msgspec.structs import replace

from actors.detectors import snapshot_ages
from actors.detectors.finding import Finding
from actors.gateway.status import GatewayStatus
from actors.market_data.status import MarketDataStatus
from actors.slot.seat import Phase
from actors.slot.status import SlotStatus
from actors.supervisor.alarms import report
from actors.supervisor.events import CreateShared, Event
from actors.supervisor.shared_state import Shared, Unanswered
from actors.supervisor.state import (
    GATEWAY,
    MARKET_DATA,
    Step,
    SupervisorState,
    put_shared,
)
from actors.supervisor.status import SupervisorStatus
from checkpoints.process_id import ProcessId
from signals.market import CYCLE_MS

STANDS_BY: Final = "standing by"
"""Phase of a supervisor that is not the one that watches."""
TURNED_BAD: Final = "shared_release_turned_bad"
STARTS_MAX: Final = 2
STARTS_WITHIN_MS: Final = 60_000
"""Wire. Any process may be ended once; one that begins anew twice in a minute does it by itself."""
SILENT_MS: Final = 10_000
"""Wire without an answer; a healthy actor answers in milliseconds. The venue cancels all orders
after as long a silence of the gateway."""
UNSERVING_MS: Final = 12_000
"""Wire. A restart with its reconciliation takes 3 s on a busy machine."""
BEATLESS_MS: Final = 25_000
"""Wire: five heartbeats."""
ANSWERS_MS: Final = 10_000
"""Wire: a venue that lists orders so long after the last heartbeat is there; one that restarts, for
up to 90 s, lists nothing, and no release is blamed for it."""
UNANSWERED_MS: Final = 20_000
"""Wire in which an intent is seen waiting. The gateway answers in milliseconds, within 5 s where
the venue tells nothing of a market."""
AGES_UNTRUE: Final = f"{snapshot_ages.KIND}/{snapshot_ages.SUBJECT}"
CYCLES_WITHOUT: Final = 2
"""Decision points for which market data made no snapshot."""
CYCLES_GRACE_MS: Final = 5_000
"""Wire, beside those points: snapshots are stored a moment after they are due."""
PAUSE_MS: Final = 60_000
"""Wire between two ways back of one actor: a creation takes seconds, its first answer too."""


def note_gateway(shared: Shared, status: GatewayStatus, wire_ms: int) -> Shared:
    """Keep what its status says of its course; a new release begins a new one."""
    before = shared.start
    shared = _note_start(shared, status.release, f"{status.life}/{status.generation}", wire_ms)
    if status.phase == "serving":
        shared = replace(shared, served_wire_ms=wire_ms)
    shared = replace(
        shared,
        beatless_ms=min(_beatless_ms(status), wire_ms - shared.start_wire_ms),
        contradicted_fills=status.contradicted_fills,
        listed_age_ms=status.listed_age_ms,
    )
    if status.phase == "serving" and shared.start == before and _venue_answers(shared):
        return shared
    return replace(shared, unanswered={})


def _venue_answers(shared: Shared) -> bool:
    return shared.listed_age_ms is not None and shared.listed_age_ms < ANSWERS_MS


def _beatless_ms(status: GatewayStatus) -> int:
    """Return how long no heartbeat was taken by a venue that answers otherwise."""
    beat_ms, listed_ms = status.heartbeat_age_ms, status.listed_age_ms
    if beat_ms is None or listed_ms is None or listed_ms > beat_ms - ANSWERS_MS:
        return 0
    return beat_ms


def note_feeds(shared: Shared, status: MarketDataStatus, wire_ms: int) -> Shared:
    """Keep what its status says of its course; a new release begins a new one."""
    shared = _note_start(shared, status.release, status.life, wire_ms)
    if status.phase == "serving":
        shared = replace(shared, served_wire_ms=wire_ms)
    if status.snapshots != shared.made:
        shared = replace(shared, made=status.snapshots, worked_wire_ms=wire_ms)
    return shared


def _note_start(shared: Shared, release: str, start: str, wire_ms: int) -> Shared:
    if release and release != shared.course_release:
        return replace(
            shared,
            course_release=release,
            course_wire_ms=wire_ms,
            start=start,
            start_wire_ms=wire_ms,
            starts=(),
            served_wire_ms=wire_ms,
            worked_wire_ms=wire_ms,
        )
    if start == shared.start:
        return shared
    recent = tuple(at for at in shared.starts if wire_ms - at < STARTS_WITHIN_MS)
    return replace(shared, start=start, start_wire_ms=wire_ms, starts=(*recent, wire_ms))


def note_supervisor(shared: Shared, status: SupervisorStatus, wire_ms: int) -> Shared:
    """Keep what its status says of its course; a new release begins a new one."""
    life = ProcessId(pid=status.pid, start=status.process_start).life
    shared = _note_start(shared, status.release, life, wire_ms)
    shared = replace(shared, life=life, answered_wire_ms=wire_ms, reason="")
    if status.phase != STANDS_BY:
        shared = replace(shared, served_wire_ms=wire_ms, worked_wire_ms=wire_ms)
    return shared


def note_intents(state: SupervisorState, event: Event) -> SupervisorState:
    """Keep since when each slot's oldest intent has been seen waiting for the gateway alone.

    A new start of the gateway, a venue that comes back, a slot that wakes up with an old intent, or
    an answer to any other intent begins the wait anew: what nobody could have answered, or what a
    gateway that answers leaves out, proves nothing against its release.
    """
    shared = state.shared[GATEWAY]
    if shared.served_wire_ms != event.wire_ms or not _venue_answers(shared):
        return state
    seen = [watched.status for watched in state.slots.values() if watched.status is not None]
    answers = sum(status.counts.orders + status.counts.refused for status in seen)
    waiting: dict[str, Unanswered] = {}
    for status in seen:
        due_ms = status.oldest_intent_due_ms
        if due_ms is None or not _waits_for_gateway(status, event):
            continue
        wait = shared.unanswered.get(status.slot)
        if wait is not None and wait.due_ms == due_ms and wait.answers >= answers:
            waiting[status.slot] = wait
        elif status.durable_sequence >= status.journal_sequence:  # its row is written: it was sent
            waiting[status.slot] = Unanswered(
                due_ms=due_ms, since_wire_ms=event.wire_ms, answers=answers
            )
    return put_shared(state, replace(shared, unanswered=waiting))


def _waits_for_gateway(status: SlotStatus, event: Event) -> bool:
    """Tell whether a slot sends its intents and reads the answers, and says so now."""
    return (
        event.wire_ms - status.wire_ms < SILENT_MS
        and status.state == str(Phase.ACTIVE)
        and status.journal_failure is None
        and not status.outbox_gaps
    )


def unanswered_ms(shared: Shared, event: Event) -> int:
    """Return for how long an intent has been seen waiting, wire ms; 0 if none waits."""
    waits = [event.wire_ms - one.since_wire_ms for one in shared.unanswered.values()]
    return max(waits, default=0)


def work_fault_of(shared: Shared, waits_ms: int) -> str | None:
    """Return what is wrong with a gateway's work while it serves and the venue answers, or None."""
    if shared.contradicted_fills:
        return f"it booked {shared.contradicted_fills} fills otherwise than their trades say"
    if waits_ms >= UNANSWERED_MS and _venue_answers(shared):
        return f"an intent has had no answer for {waits_ms // 1000} s, and the venue answers"
    return None


def fault_of(shared: Shared, wire_ms: int, speed: float) -> str | None:
    """Return what is wrong with the actor's course, or None."""
    starts = [at for at in shared.starts if wire_ms - at < STARTS_WITHIN_MS]
    if len(starts) >= STARTS_MAX:
        return f"it began anew {len(starts)} times in {STARTS_WITHIN_MS // 1000} s"
    if shared.answered_wire_ms and wire_ms - shared.answered_wire_ms >= SILENT_MS:
        return f"no answer for {(wire_ms - shared.answered_wire_ms) // 1000} s: {shared.reason}"
    if wire_ms - shared.served_wire_ms >= UNSERVING_MS:
        return f"it has not served for {(wire_ms - shared.served_wire_ms) // 1000} s"
    if shared.beatless_ms >= BEATLESS_MS:
        return f"no heartbeat for {shared.beatless_ms // 1000} s, and the venue answers"
    idle_ms = wire_ms - shared.worked_wire_ms
    if shared.who == MARKET_DATA and idle_ms >= _points_ms(speed):
        return f"no snapshot for {idle_ms // 1000} s"
    return None


def _snapshot_fault_of(state: SupervisorState, event: Event) -> str | None:
    """Blame a release only once all snapshots that are judged are its own."""
    course_ms = event.wire_ms - state.shared[MARKET_DATA].course_wire_ms
    if AGES_UNTRUE not in state.raised or course_ms < _points_ms(state.rules.clock.speed):
        return None
    return "its snapshots say that old inputs are fresh"


def _points_ms(speed: float) -> float:
    return CYCLES_WITHOUT * CYCLE_MS / speed + CYCLES_GRACE_MS


def watch_shared(state: SupervisorState, event: Event, who: str) -> Step:
    """Bring the release back that a roll replaced, where the present one fails at its work."""
    if who == GATEWAY:
        state = note_intents(state, event)
    shared = state.shared[who]
    before = state.replaced_shared.get(who)
    if before is None or before[0] != shared.course_release or not shared.course_release:
        return state, ()
    fault = fault_of(shared, event.wire_ms, state.rules.clock.speed)
    if fault is None and who == GATEWAY:
        fault = work_fault_of(shared, unanswered_ms(shared, event))
    if fault is None and who == MARKET_DATA:
        fault = _snapshot_fault_of(state, event)
    release, back_to = before
    finding = Finding(
        kind=TURNED_BAD,
        subject=who,
        holds=fault is not None,
        evidence={
            "release": release[:12],
            "back_to": back_to[:12],
            "reason": str(fault),
            "life": str(shared.life),
        },
    )
    state, alarms = report(state, event, (finding,))
    if fault is None or event.wire_ms - shared.back_wire_ms < PAUSE_MS:
        return state, alarms
    state = put_shared(state, replace(shared, back_wire_ms=event.wire_ms, starts=()))
    return state, (*alarms, CreateShared(who=who, bad=release, release=back_to, reason=fault))
