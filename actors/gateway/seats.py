"""Who owns a slot: claims, vacancies and the compare-and-set of a handoff. Pure.

A fence only grows. An incarnation number is issued once. Asking again after a lost answer gives the
same answer: a claim is known by its life, a handoff by its id, a vacancy by its request.
"""

from typing import assert_never

from actors.gateway.account import poll_account_soon
from actors.gateway.draft import Draft
from actors.gateway.events import ClaimAsked, FenceAsked, OpenAsked, SeatEvent
from actors.gateway.market_table import note_owner
from actors.gateway.records import FenceMoved, IncarnationIssued, Issued, Seat
from actors.gateway.risk import uncovered
from actors.messages import (
    MESSAGES_READ,
    Attestation,
    Claim,
    ClaimAnswer,
    ClaimRefused,
    FenceAnswer,
    FenceRecord,
    FenceRefused,
    FenceRequest,
    Granted,
    OpenAnswer,
    Opened,
    OpenIncarnation,
    OpenRefused,
    Retired,
    Standby,
)


def judge(draft: Draft, event: SeatEvent) -> None:
    match event:
        case ClaimAsked():
            draft.answer(event.reply_to, _claim(draft, event.claim))
        case OpenAsked():
            draft.answer(event.reply_to, _open(draft, event.request))
        case FenceAsked():
            draft.answer(event.reply_to, _fence(draft, event.request))
        case _:
            assert_never(event)


def _claim(draft: Draft, claim: Claim) -> ClaimAnswer:
    seat = draft.ledger.seats.get(claim.slot) or Seat(slot=claim.slot)
    owner = seat.owner
    if owner is not None and claim.incarnation == owner.incarnation:
        if _already_granted(owner, claim):
            return Granted(record=owner)
        return _grant_claim(draft, seat, claim, owner.release)
    if seat.vacant_for is not None and claim.incarnation == seat.vacant_for.incarnation:
        return _grant_claim(draft, seat, claim, seat.vacant_for.release)
    if claim.incarnation > seat.last_incarnation:
        return ClaimRefused(reason=f"incarnation {claim.incarnation} was never issued")
    return _not_owner(seat, claim)


def _already_granted(owner: FenceRecord, claim: Claim) -> bool:
    """Tell a repeated claim from a new one; resuming names the fence that it wants to leave."""
    same_life = owner.life == claim.life
    return same_life and (claim.resume_of_fence is None or claim.resume_of_fence < owner.fence)


def _not_owner(seat: Seat, claim: Claim) -> ClaimAnswer:
    previous = seat.previous
    waits = any(issued.incarnation == claim.incarnation for issued in seat.standbys)
    # The last owner stays warm until its rollout retires it: it is the way back.
    way_back = (
        previous is not None
        and previous.incarnation == claim.incarnation
        and previous.life == claim.life
    )
    if waits or way_back or seat.owner is None:
        return Standby(owner=seat.owner)
    return Retired(owner=seat.owner)


def _grant_claim(draft: Draft, seat: Seat, claim: Claim, release: str) -> ClaimAnswer:
    problem = _unfit(draft, claim.slot, claim.attestation, release)
    if problem is not None:
        return ClaimRefused(reason=problem)
    record = FenceRecord(
        slot=claim.slot,
        fence=seat.fence + 1,
        incarnation=claim.incarnation,
        life=claim.life,
        release=claim.attestation.release,
        commit=claim.attestation.commit,
        params=claim.params,
        journal_sequence=claim.journal_sequence,
        outbox_sequence=claim.outbox_sequence,
        granted_wire_ms=draft.wire_ms,
    )
    draft.record(FenceMoved(record=record))
    poll_account_soon(draft)
    note_owner(draft)
    return Granted(record=record)


def _unfit(draft: Draft, slot: str, attestation: Attestation, release: str) -> str | None:
    if attestation.message_version > MESSAGES_READ:
        sends = attestation.message_version
        return f"sends messages of version {sends}, the gateway reads up to {MESSAGES_READ}"
    if release not in ("", attestation.release):
        return f"issued for release {release[:12]}, runs {attestation.release[:12]}"
    return _unapproved(draft, slot, attestation.release, "a claim")


def _unapproved(draft: Draft, slot: str, release: str, what: str) -> str | None:
    reason = uncovered(draft.rules, release)
    if reason is not None:
        draft.alarm_unapproved(slot, release, what)
    return reason


def _open(draft: Draft, request: OpenIncarnation) -> OpenAnswer:
    seat = draft.ledger.seats.get(request.slot) or Seat(slot=request.slot)
    if not draft.rules.knows(request.slot):
        return OpenRefused(reason=f"{request.slot!r} is no slot of this fleet", fence=0)
    if request.expected_fence != seat.fence:
        reason = f"the fence is {seat.fence}, not {request.expected_fence}"
        return OpenRefused(reason=reason, fence=seat.fence)
    unapproved = _unapproved(draft, request.slot, request.release, "a new incarnation")
    if unapproved is not None:
        return OpenRefused(reason=unapproved, fence=seat.fence)
    known = _already_opened(seat, request)
    if known is not None:
        return Opened(incarnation=known.incarnation)
    incarnation = seat.last_incarnation + 1
    draft.record(
        IncarnationIssued(
            slot=request.slot,
            incarnation=incarnation,
            release=request.release,
            vacant=request.vacant,
            reason=request.reason,
            handoff=request.handoff,
            wire_ms=draft.wire_ms,
            request=request.request,
        )
    )
    return Opened(incarnation=incarnation)


def _already_opened(seat: Seat, request: OpenIncarnation) -> Issued | None:
    """Return what the same wish was given before: a second number would supersede the first."""
    waiting = seat.vacant_for
    given = seat.standbys if waiting is None else (*seat.standbys, waiting)
    wish = request.handoff if request.request is None else request.request
    if wish is None:
        return None
    same = (i for i in given if wish in (i.request, i.handoff) and i.release == request.release)
    return next(same, None)


def _fence(draft: Draft, request: FenceRequest) -> FenceAnswer:
    seat = draft.ledger.seats.get(request.slot) or Seat(slot=request.slot)
    owner = seat.owner
    if owner is not None and _already_fenced(owner, request):
        return Granted(record=owner)
    problem = _unfit_successor(draft, seat, request)
    if problem is not None:
        return FenceRefused(reason=problem, owner=owner)
    record = FenceRecord(
        slot=request.slot,
        fence=seat.fence + 1,
        incarnation=request.incarnation,
        life=request.life,
        release=request.attestation.release,
        commit=request.attestation.commit,
        params=request.params,
        journal_sequence=request.journal_sequence,
        outbox_sequence=request.outbox_sequence,
        handoff=request.handoff,
        checkpoint=request.checkpoint,
        logical_hash=request.logical_hash,
        granted_wire_ms=draft.wire_ms,
    )
    draft.record(FenceMoved(record=record))
    poll_account_soon(draft)
    note_owner(draft)
    return Granted(record=record)


def _already_fenced(owner: FenceRecord, request: FenceRequest) -> bool:
    return (owner.handoff, owner.incarnation, owner.life, owner.fence) == (
        request.handoff,
        request.incarnation,
        request.life,
        request.expected_fence + 1,
    )


def _unfit_successor(draft: Draft, seat: Seat, request: FenceRequest) -> str | None:
    if request.expected_fence != seat.fence:
        return f"the fence is {seat.fence}, not {request.expected_fence}"
    known = _successor(seat, request)
    if known is None:
        return f"incarnation {request.incarnation} is neither a standby nor the last owner"
    return _unfit(draft, request.slot, request.attestation, known.release)


def _successor(seat: Seat, request: FenceRequest) -> Issued | None:
    """Return the standby, or the previous owner's same process, that the request names."""
    for issued in seat.standbys:
        if issued.incarnation == request.incarnation:
            return issued
    previous = seat.previous
    if previous is not None and (previous.incarnation, previous.life) == (
        request.incarnation,
        request.life,
    ):
        return Issued(incarnation=previous.incarnation, release=previous.release)
    return None
