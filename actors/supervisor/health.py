"""Health of slots, gateway and market data: what an answer, a silence or an absence leads to."""

from typing import assert_never

from msgspec.structs import replace

from actors.detectors.finding import Finding
from actors.gateway.status import GatewayStatus
from actors.market_data.status import MarketDataStatus
from actors.slot.seat import Phase
from actors.slot.status import AnySlotStatus, SlotNotRunning, SlotStatus
from actors.supervisor.alarms import NO_DECISION, judge_feeds, judge_gateway, judge_slot, report
from actors.supervisor.events import (
    CreateShared,
    EndProcess,
    Event,
    FeedsSeen,
    GatewaySeen,
    SharedSilent,
    SlotMissing,
    SlotSeen,
    SlotSilent,
)
from actors.supervisor.shared_state import Shared
from actors.supervisor.shared_watch import note_feeds, note_gateway, watch_shared
from actors.supervisor.state import (
    BLOCKED_AFTER_MS,
    CREATE_PAUSES,
    GATEWAY,
    HUNG_AFTER_MS,
    KILL_PAUSES,
    MARKET_DATA,
    MISSES_MAX,
    STARTING_MS,
    STEADY_MS,
    STUCK_AFTER_MS,
    Place,
    Step,
    SupervisorState,
    Watched,
    move,
    put,
    put_shared,
)
from actors.supervisor.taking_back import forgive_for_gateway, present_claim_ms

LOOKED_AT = (Place.STARTING, Place.LIVE, Place.SILENT)
OWNING = (str(Phase.ACTIVE), str(Phase.QUIESCING), str(Phase.QUIESCED), str(Phase.RESUMING))


# ---- slots ------------------------------------------------------------------------------------


def apply_slot(state: SupervisorState, event: SlotSeen | SlotMissing | SlotSilent) -> Step:
    watched = state.slots.get(event.slot)
    if watched is None:
        return state, ()
    watched = replace(watched, asking=False)
    if watched.place not in LOOKED_AT or watched.incarnation != event.incarnation:
        return put(state, watched), ()
    match event:
        case SlotSeen(status=status):
            return _apply_status(state, event, watched, status)
        case SlotMissing():
            return _apply_missing(state, event, watched)
        case SlotSilent():
            return _apply_silence(state, event, watched)
        case _ as never:
            assert_never(never)


def _apply_status(
    state: SupervisorState, event: SlotSeen, watched: Watched, status: AnySlotStatus
) -> Step:
    match status:
        case SlotStatus():
            return _apply_running(state, event, watched, status)
        case SlotNotRunning(reason=reason):
            watched = replace(watched, answered_wire_ms=event.wire_ms, reason=reason, misses=0)
            watched = move(watched, Place.STARTING, event)
            return report(put(state, watched), event, (_cannot_start(watched, event),))
        case _ as never:
            assert_never(never)


def _apply_running(
    state: SupervisorState, event: Event, watched: Watched, status: SlotStatus
) -> Step:
    owes_from_ms = present_claim_ms(state, watched, status.life)
    findings = judge_slot(state.rules, event, status, watched.status, owes_from_ms)
    owns = status.state in OWNING  # what does not own its slot may run anything
    watched = replace(
        watched,
        status=status,
        life=status.life,
        node_id=status.node_id,
        release=status.release if owns else watched.release,
        answered_wire_ms=event.wire_ms,
        misses=0,
        reason="",
    )
    watched = move(watched, Place.LIVE if owns else Place.STARTING, event)
    blocked = Finding(
        kind="strategy_blocked",
        subject=watched.slot,
        holds=status.blocked_ms > BLOCKED_AFTER_MS,
        evidence={"release": status.release[:12], "blocked_ms": str(status.blocked_ms)},
    )
    state, alarms = report(
        put(state, watched), event, (*findings, blocked, _cannot_start(watched, event))
    )
    if not blocked.holds and not _is_stuck(state, event, watched, status):
        return state, alarms
    state, ended = _end(state, event, watched)
    return state, (*alarms, *ended)


def _is_stuck(state: SupervisorState, event: Event, watched: Watched, status: SlotStatus) -> bool:
    """Tell a loop that hangs from a release that never decides: a restart helps only the first."""
    since_ms = state.bad_since_ms.get(f"{NO_DECISION}/{watched.slot}")
    last = status.last_decision
    decided = last is not None and last.release == status.release
    owes = since_ms is not None and event.wire_ms - since_ms >= STUCK_AFTER_MS
    acts = status.state == str(Phase.ACTIVE) and status.journal_failure is None
    return owes and acts and decided


def _cannot_start(watched: Watched, event: Event) -> Finding:
    waited_ms = event.wire_ms - watched.since_wire_ms
    return Finding(
        kind="slot_not_live",
        subject=watched.slot,
        holds=watched.place is Place.STARTING and waited_ms > STARTING_MS,
        evidence={"reason": watched.reason or "claims and is not granted"},
    )


def _apply_missing(state: SupervisorState, event: SlotMissing, watched: Watched) -> Step:
    watched = replace(watched, misses=watched.misses + 1)
    if watched.misses < MISSES_MAX:
        return put(state, watched), ()
    watched = replace(watched, status=None, reason="its actor is gone")
    return put(state, move(watched, Place.VACANT, event)), ()


def _apply_silence(state: SupervisorState, event: SlotSilent, watched: Watched) -> Step:
    watched = replace(watched, trouble=event.reason, trouble_wire_ms=event.wire_ms)
    silent_ms = event.wire_ms - max(watched.answered_wire_ms, state.resumed_wire_ms)
    limit_ms = HUNG_AFTER_MS if watched.place is Place.LIVE else STARTING_MS
    if watched.place is not Place.SILENT and silent_ms < limit_ms:
        return put(state, watched), ()
    watched = move(replace(watched, reason=event.reason), Place.SILENT, event)
    hung = Finding(
        kind="slot_hung",
        subject=watched.slot,
        holds=True,
        evidence={"silent_ms": str(silent_ms), "life": str(watched.life), "why": event.reason},
    )
    state, alarms = report(put(state, watched), event, (hung,))
    state, ended = _end(state, event, watched)
    return state, (*alarms, *ended)


def _end(state: SupervisorState, event: Event, watched: Watched) -> Step:
    """End a process that hangs, not again before its pause is over."""
    pause_ms = KILL_PAUSES.wait_ms(watched.kills)
    if watched.life is None or event.wire_ms - watched.killed_wire_ms < pause_ms:
        return state, ()
    end = EndProcess(
        subject=f"{watched.slot}/{watched.incarnation}", life=watched.life, node_id=watched.node_id
    )
    watched = replace(watched, kills=watched.kills + 1, killed_wire_ms=event.wire_ms)
    return put(state, watched), (end,)


# ---- gateway and market data ------------------------------------------------------------------


def apply_shared(state: SupervisorState, event: GatewaySeen | FeedsSeen | SharedSilent) -> Step:
    state, effects = _apply_shared(state, event)
    match event:
        case GatewaySeen(status=gateway):
            noted = note_gateway(state.shared[GATEWAY], gateway, event.wire_ms)
        case FeedsSeen(status=feeds):
            noted = note_feeds(state.shared[MARKET_DATA], feeds, event.wire_ms)
        case SharedSilent(who=who):
            noted = state.shared[who]
        case _ as never:
            assert_never(never)
    state, backs = watch_shared(put_shared(state, noted), event, noted.who)
    return state, (*effects, *backs)


def _apply_shared(state: SupervisorState, event: GatewaySeen | FeedsSeen | SharedSilent) -> Step:
    match event:
        case GatewaySeen(status=gateway):
            seen = _seen(state.shared[GATEWAY], event, gateway)
            findings = judge_gateway(state.rules, event, gateway)
            state = replace(state, gateway=gateway)
            return report(put_shared(state, seen), event, (*findings, _silent(seen, holds=False)))
        case FeedsSeen(status=feeds):
            seen = _seen(state.shared[MARKET_DATA], event, feeds)
            findings = judge_feeds(feeds)
            state = replace(state, market_data=feeds)
            return report(put_shared(state, seen), event, (*findings, _silent(seen, holds=False)))
        case SharedSilent():
            return _apply_shared_silence(state, event)
        case _ as never:
            assert_never(never)


def _seen(shared: Shared, event: Event, status: GatewayStatus | MarketDataStatus) -> Shared:
    steady = event.wire_ms - shared.killed_wire_ms >= STEADY_MS
    return replace(
        shared,
        asking=False,
        answered_wire_ms=event.wire_ms,
        attempts=0 if steady else shared.attempts,
        life=status.life,
        node_id=status.node_id if isinstance(status, GatewayStatus) else "",
        release=status.release or shared.release,
        misses=0,
        reason="",
    )


def _silent(shared: Shared, *, holds: bool) -> Finding:
    return Finding(
        kind="actor_silent",
        subject=shared.who,
        holds=holds,
        evidence={"life": str(shared.life), "why": shared.reason},
    )


def _apply_shared_silence(state: SupervisorState, event: SharedSilent) -> Step:
    shared = state.shared[event.who]
    misses = shared.misses + 1 if event.missing else 0
    shared = replace(shared, asking=False, reason=event.reason, misses=misses)
    since_ms = max(shared.answered_wire_ms, state.started_wire_ms, state.resumed_wire_ms)
    starts = not shared.answered_wire_ms and misses < MISSES_MAX  # who is not there starts nothing
    late = event.wire_ms - since_ms >= (STARTING_MS if starts else HUNG_AFTER_MS)
    if shared.who == GATEWAY:
        state = forgive_for_gateway(state, event)
    state, alarms = report(put_shared(state, shared), event, (_silent(shared, holds=late),))
    gone = misses >= MISSES_MAX
    pause_ms = (CREATE_PAUSES if gone else KILL_PAUSES).wait_ms(shared.attempts)
    if not late or event.wire_ms - shared.killed_wire_ms < pause_ms:
        return state, alarms
    tried = replace(shared, attempts=shared.attempts + 1, killed_wire_ms=event.wire_ms)
    if gone:
        create = CreateShared(who=shared.who, release=shared.release)
        return put_shared(state, replace(tried, creations=shared.creations + 1)), (*alarms, create)
    if shared.life is None:
        return state, alarms
    end = EndProcess(subject=shared.who, life=shared.life, node_id=shared.node_id)
    return put_shared(state, replace(tried, kills=shared.kills + 1)), (*alarms, end)
