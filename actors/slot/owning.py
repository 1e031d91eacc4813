"""Who owns the slot: claims, standby, quiesce and resume, and leaving."""

from typing import assert_never

from msgspec.structs import replace

from actors.messages import (
    ClaimRefused,
    FenceRecord,
    Granted,
    Retired,
    Standby,
)
from actors.slot.books import poll, resend_known, take_checkpoint
from actors.slot.deciding import keep_time
from actors.slot.events import (
    AdoptAsked,
    ClaimAnswered,
    ClaimFailed,
    Event,
    Leave,
    ParamsAsked,
    QuiesceAsked,
    Recover,
    Recovered,
    RecoveryFailed,
    ReportAdopted,
    ReportParams,
    ReportQuiesced,
    ReportRefused,
    ReportResumed,
    ReportStopped,
    ResumeAsked,
    RetireAsked,
    SendClaim,
    StopAsked,
)
from actors.slot.facts import ClaimFact, HandoffFact, ParamsFact, StoppedFact
from actors.slot.seat import (
    CLAIM_RETRY_MS,
    FENCED_OUT_POLL_MS,
    RECOVERY_RETRY_MS,
    STANDBY_POLL_MS,
    Lease,
    Phase,
    Seat,
    Step,
    record,
)

CLAIMANTS = (Phase.CLAIMING, Phase.STANDBY, Phase.RESUMING)
ADOPTERS = (
    Phase.CLAIMING,
    Phase.STANDBY,
    Phase.RECOVERING,
    Phase.QUIESCED,
    Phase.RESUMING,
)
"""Who may be fenced in: a successor, or the last owner that takes the slot back."""
UNOWNED = (
    Phase.CLAIMING,
    Phase.STANDBY,
    Phase.RECOVERING,
    Phase.QUIESCED,
    Phase.RESUMING,
)
"""Phases in which no row may be written: whoever stops here leaves the journal as it is."""


def claim(seat: Seat, delay_ms: int = 0) -> Step:
    if seat.claiming or seat.phase not in CLAIMANTS:
        return seat, ()
    ask = SendClaim(
        journal_sequence=seat.state.journal_sequence,
        outbox_sequence=seat.state.outbox_sequence,
        params=seat.params_id,
        resume_of_fence=seat.fence if seat.phase is Phase.RESUMING else None,
        delay_ms=delay_ms,
    )
    return replace(seat, claiming=True), (ask,)


def apply_claim(seat: Seat, event: ClaimAnswered | ClaimFailed) -> Step:
    seat = replace(seat, claiming=False)
    if seat.phase not in CLAIMANTS:
        return seat, ()
    if isinstance(event, ClaimFailed):
        return claim(seat, CLAIM_RETRY_MS)
    match event.answer:
        case Granted(record=owner):
            return _grant(seat, event, owner)
        case Standby():
            return _stand_by(seat, event)
        case Retired(owner=owner):
            return leave(seat, f"retired: incarnation {owner.incarnation} owns {seat.who.slot}")
        case ClaimRefused():
            return claim(seat, CLAIM_RETRY_MS)
        case _ as never:
            assert_never(never)


def _stand_by(seat: Seat, event: Event) -> Step:
    """Wait for the slot. A former owner asks on, so that no driver need tell it that it is back."""
    if seat.phase is Phase.RESUMING:
        handoff = seat.lease.handoff if seat.lease is not None else ""
        refused = ReportRefused(request=handoff, reason="fenced_out: the successor owns the slot")
        again = Lease(handoff=handoff, ends_wire_ms=event.wire_ms + FENCED_OUT_POLL_MS)
        return replace(seat, phase=Phase.QUIESCED, lease=again), (refused,)
    return claim(replace(seat, phase=Phase.STANDBY), STANDBY_POLL_MS)


def _grant(seat: Seat, event: Event, owner: FenceRecord) -> Step:
    mine = (seat.who.slot, seat.who.incarnation, seat.who.life)
    if (owner.slot, owner.incarnation, owner.life) != mine:
        return claim(seat, CLAIM_RETRY_MS)
    seat = replace(seat, fence=owner.fence, record=owner)
    proved = not owner.logical_hash  # a handoff's record names a hash: recovery compares it
    if proved and owner.journal_sequence == seat.state.journal_sequence:
        return _activate(seat, event, owner)
    return replace(seat, phase=Phase.RECOVERING), (Recover(record=owner),)


def apply_recovery(seat: Seat, event: Recovered | RecoveryFailed) -> Step:
    if seat.phase is not Phase.RECOVERING or seat.record is None:
        return seat, ()
    if isinstance(event, RecoveryFailed):
        return seat, (Recover(record=seat.record, delay_ms=RECOVERY_RETRY_MS),)
    if event.state.journal_sequence != seat.record.journal_sequence:
        return seat, (Recover(record=seat.record, delay_ms=RECOVERY_RETRY_MS),)
    owner = seat.record
    return _activate(replace(seat, state=event.state, memory=event.memory), event, owner)


def _activate(seat: Seat, event: Event, owner: FenceRecord) -> Step:
    """Own the slot: say so in the journal, take up orders and the clock where they were."""
    handoff = seat.lease.handoff if seat.lease is not None else None
    seat = replace(
        seat, phase=Phase.ACTIVE, lease=None, durable_sequence=seat.state.journal_sequence
    )
    seat, rows = record(seat, event, ClaimFact(record=owner, cause=seat.cause))
    seat, sends = resend_known(seat)
    seat, polls = poll(seat)
    seat, onward = keep_time(seat, event)
    resumed = () if handoff is None else (ReportResumed(handoff=handoff, fence=seat.fence),)
    return seat, (*rows, *sends, *polls, *onward, *resumed)


def leave(seat: Seat, reason: str) -> Step:
    if seat.phase is Phase.RETIRED:
        return seat, ()
    return replace(seat, phase=Phase.RETIRED, pending=None), (Leave(reason=reason),)


def keep_lease(seat: Seat, event: Event) -> Step:
    """Resume at the end of the lease, so that a driver that died leaves no slot dark."""
    lease = seat.lease
    if lease is None or event.wire_ms < lease.ends_wire_ms:
        return seat, ()
    match seat.phase:
        case Phase.QUIESCING:
            return _take_up_again(seat, event, "lease over")
        case Phase.QUIESCED:
            return claim(replace(seat, phase=Phase.RESUMING, cause="resume", absent="handoff"))
        case _:
            return seat, ()


def _take_up_again(seat: Seat, event: Event, why: str) -> Step:
    """Go on after a quiesce that was never acknowledged: nothing was promised to anyone."""
    assert seat.lease is not None
    fact = HandoffFact(handoff=seat.lease.handoff, step="resume", detail=why)
    seat, rows = record(replace(seat, phase=Phase.ACTIVE, lease=None), event, fact)
    seat, polls = poll(seat)
    seat, onward = keep_time(seat, event)
    refused = ReportRefused(request=fact.handoff, reason=why)
    return seat, (*rows, *polls, *onward, refused)


def settle_quiesce(seat: Seat) -> Step:
    """Acknowledge a quiesce once no decision is at work and every row is durable."""
    if seat.phase is not Phase.QUIESCING or seat.pending is not None or not seat.all_durable:
        return seat, ()
    assert seat.lease is not None
    quiesced = ReportQuiesced(
        handoff=seat.lease.handoff, state=seat.state, memory=seat.memory, fence=seat.fence
    )
    return replace(seat, phase=Phase.QUIESCED), (quiesced,)


def apply_quiesce(seat: Seat, event: QuiesceAsked) -> Step:
    ask = event.ask
    if seat.phase is not Phase.ACTIVE:
        return seat, (ReportRefused(request=ask.handoff, reason=f"not_active: {seat.phase}"),)
    if ask.expected_fence != seat.fence:
        reason = f"other_fence: asked {ask.expected_fence}, owned {seat.fence}"
        return seat, (ReportRefused(request=ask.handoff, reason=reason),)
    lease = Lease(handoff=ask.handoff, ends_wire_ms=event.wire_ms + ask.lease_ms)
    fact = HandoffFact(handoff=ask.handoff, step="quiesce")
    seat = replace(seat, phase=Phase.QUIESCING, lease=lease)
    return record(seat, event, fact)


def apply_adopt(seat: Seat, event: AdoptAsked) -> Step:
    """Take the slot over from the fence record; the standby's own polling may have been first.

    The record names a process start: a later life of the same incarnation has to claim.
    """
    owner = event.record
    adopted = ReportAdopted(handoff=event.handoff, fence=owner.fence)
    if seat.phase is Phase.ACTIVE and seat.fence == owner.fence:
        return seat, (adopted,)
    mine = (seat.who.slot, seat.who.incarnation, seat.who.life)
    waits = seat.phase in ADOPTERS
    if not waits or (owner.slot, owner.incarnation, owner.life) != mine:
        fenced = f"{owner.slot}/{owner.incarnation}, life {owner.life}"
        reason = f"not_adoptable: {seat.phase}, fenced {fenced}"
        return seat, (ReportRefused(request=event.handoff, reason=reason),)
    if event.state.journal_sequence != owner.journal_sequence:
        reason = f"other_sequence: {event.state.journal_sequence} of {owner.journal_sequence}"
        return seat, (ReportRefused(request=event.handoff, reason=reason),)
    seat = replace(seat, fence=owner.fence, record=owner, state=event.state, memory=event.memory)
    seat = replace(seat, lease=None, cause="adopt", absent="handoff")
    seat, effects = _activate(seat, event, owner)
    return seat, (*effects, adopted)


def apply_resume(seat: Seat, event: ResumeAsked) -> Step:
    handoff = event.ask.handoff
    match seat.phase:
        case Phase.ACTIVE:
            return seat, (ReportResumed(handoff=handoff, fence=seat.fence),)
        case Phase.QUIESCING:
            seat, effects = _take_up_again(seat, event, "resume asked")
            return seat, (*effects, ReportResumed(handoff=handoff, fence=seat.fence))
        case Phase.QUIESCED:
            lease = Lease(handoff=handoff, ends_wire_ms=event.wire_ms)
            seat = replace(seat, lease=lease, cause="resume", absent="handoff")
            return claim(replace(seat, phase=Phase.RESUMING))
        case Phase.RESUMING:
            return seat, ()
        case _:
            reason = f"not_quiesced: {seat.phase}"
            return seat, (ReportRefused(request=handoff, reason=reason),)


def apply_params(seat: Seat, event: ParamsAsked) -> Step:
    if seat.phase is not Phase.ACTIVE or seat.pending is not None:
        doing = "deciding" if seat.pending is not None else str(seat.phase)
        return seat, (ReportRefused(request=event.request, reason=f"not_quiet: {doing}"),)
    fact = ParamsFact(params=event.params_id, params_set=event.params_set)
    seat = replace(seat, params=event.params, params_id=event.params_id)
    seat, rows = record(replace(seat, checkpoint_wanted=True), event, fact)
    sequence = seat.state.journal_sequence
    report = ReportParams(request=event.request, params=event.params_id, sequence=sequence)
    return seat, (*rows, report)


def apply_stop(seat: Seat, event: StopAsked) -> Step:
    match seat.phase:
        case Phase.STOPPING:
            return seat, ()
        case Phase.ACTIVE | Phase.QUIESCING:
            seat = replace(seat, phase=Phase.STOPPING, pending=None, checkpoint_wanted=True)
            seat, rows = record(seat, event, StoppedFact(reason=event.reason))
            seat, takes = take_checkpoint(seat, event)
            return seat, (*rows, *takes)
        case Phase.STOPPED | Phase.RETIRED:
            return seat, (ReportStopped(),)
        case _:
            assert seat.phase in UNOWNED
            return replace(seat, phase=Phase.STOPPED), (ReportStopped(),)


def settle_stop(seat: Seat) -> Step:
    """Stop once the last row is durable and a checkpoint of it was tried."""
    waits = seat.checkpointing or seat.checkpoint_wanted or not seat.all_durable
    if seat.phase is not Phase.STOPPING or waits:
        return seat, ()
    return replace(seat, phase=Phase.STOPPED), (ReportStopped(),)


def apply_retire(seat: Seat, event: RetireAsked) -> Step:
    return leave(seat, f"asked: {event.reason}")
