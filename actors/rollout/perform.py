"""Perform one effect of a slot's handoff: call, wait by a deadline, answer with an event."""

import asyncio
from typing import Final, assert_never

import msgspec

from actors.messages import Granted, OpenIncarnation, Refusal, decode
from actors.rollout import handoff_events as on
from actors.rollout import handoff_messages as said
from actors.rollout import handoff_state as limits
from actors.rollout.fence_requests import forward_request, take_back_request
from actors.rollout.handoff_state import Handoff
from actors.rollout.handoff_table import ANSWER_MS
from actors.rollout.ports import CallFailedError, FleetCalls

AFTER_FAILURE_SECONDS: Final = 0.1
"""The way back is asked for again and again: a process that restarts needs seconds, not calls."""

GATEWAY_PAUSE_SECONDS: Final = 1.0
"""Wire, after a vacancy without an answer: a gateway that hangs is replaced within 20 s."""


async def perform(calls: FleetCalls, handoff: Handoff, effect: on.Effect) -> on.Event | None:
    """Return the event that the effect led to; a failed call is a `Refusal`, never an exception."""
    try:
        return await _perform(calls, handoff, effect)
    except (CallFailedError, msgspec.DecodeError) as error:
        if isinstance(effect, on.Create):
            return on.Created(failure=str(error))
        if isinstance(effect, on.Fill):
            return on.Filled(failure=str(error))
        if isinstance(effect, on.AskOwner):
            return None  # asked again at the next deadline
        if isinstance(effect, on.Vacate):
            await asyncio.sleep(GATEWAY_PAUSE_SECONDS)
            return on.Vacated(answer=Refusal(reason=str(error)))
        if isinstance(effect, on.AskResume | on.AskTakeBack):
            await asyncio.sleep(AFTER_FAILURE_SECONDS)
        return on.Answered(answer=Refusal(reason=str(error)))


async def _perform(  # noqa: C901, PLR0911, PLR0912 the closed vocabulary of effects
    calls: FleetCalls, handoff: Handoff, effect: on.Effect
) -> on.Event | None:
    match effect:
        case on.AskBase():
            ask = said.PinBase(handoff=handoff.handoff, release=handoff.new_release)
            return await _old(calls, handoff, ask, said.PinAnswer)
        case on.Open(expected_fence=fence):
            return await _open(calls, handoff, fence)
        case on.Create(incarnation=number):
            await calls.create_slot(handoff.slot, number, handoff.new_release)
            return on.Created(failure=None)
        case on.AskWarm():
            return await _warm(calls, handoff, effect)
        case on.AskShadow(incarnation=number, recorded=recorded):
            shadow = said.ShadowAsk(handoff=handoff.handoff, recorded=recorded)
            return await _new(calls, handoff, number, shadow, said.ShadowAnswer)
        case on.AskQuiesce(expected_fence=fence, lease_ms=lease_ms):
            quiesce = said.Quiesce(handoff=handoff.handoff, expected_fence=fence, lease_ms=lease_ms)
            return await _old(calls, handoff, quiesce, said.QuiesceAnswer)
        case on.AskFence(incarnation=number, quiesced=quiesced):
            request = forward_request(handoff, number, quiesced)
            return on.Answered(answer=await calls.fence(request))
        case on.AskOwner():
            return on.OwnerSeen(record=await calls.owner(handoff.slot))
        case on.AskAdopt(incarnation=number, record=record, delta=delta):
            adopt = said.Adopt(handoff=handoff.handoff, record=record, delta=delta)
            return await _new(calls, handoff, number, adopt, said.AdoptAnswer)
        case on.AskResume():
            resume = said.Resume(handoff=handoff.handoff)
            return await _old(calls, handoff, resume, said.ResumeAnswer)
        case on.AskTakeBack():
            return await _take_back(calls, handoff, effect)
        case on.Vacate():
            return await _vacate(calls, handoff, effect)
        case on.Fill(incarnation=number, owner=owner):
            await calls.fill_slot(owner, number, handoff.good_release)
            return on.Filled(failure=None)
        case on.Dismiss(incarnation=number):
            await calls.dismiss_slot(handoff.slot, number, handoff.handoff)
            return on.Left()
        case on.Alarm(kind=kind, reason=reason):
            await calls.raise_alarm(kind, handoff.slot, reason)
            return None
        case _:
            assert_never(effect)


async def _open(calls: FleetCalls, handoff: Handoff, fence: int) -> on.Answered:
    request = OpenIncarnation(
        slot=handoff.slot,
        expected_fence=fence,
        release=handoff.new_release,
        vacant=False,
        reason=f"handoff {handoff.handoff}",
        handoff=handoff.handoff,
    )
    return on.Answered(answer=await calls.open_incarnation(request))


async def _vacate(calls: FleetCalls, handoff: Handoff, effect: on.Vacate) -> on.Vacated:
    """Declare the vacancy; the same wish, asked again, gets the same number."""
    request = OpenIncarnation(
        slot=handoff.slot,
        expected_fence=effect.expected_fence,
        release=handoff.good_release,
        vacant=True,
        reason=effect.reason,
        request=f"{handoff.handoff}/{effect.expected_fence}",
    )
    return on.Vacated(answer=await calls.open_incarnation(request))


async def _warm(calls: FleetCalls, handoff: Handoff, effect: on.AskWarm) -> on.Answered:
    ask = said.Warm(handoff=handoff.handoff, base=effect.base, base_sequence=effect.base_sequence)
    answered = await _new(calls, handoff, effect.incarnation, ask, said.WarmAnswer)
    if not isinstance(answered.answer, said.Warmed):
        return answered
    attested = answered.answer.attestation
    outside = await calls.hash_root(attested.root, attested.pid)
    if outside != attested.release:
        reason = f"attestation: says {attested.release[:12]}, its files are {outside[:12]}"
        failed = said.HandoffFailed(handoff=handoff.handoff, reason=reason)
        return on.Answered(answer=failed)
    return answered


async def _take_back(calls: FleetCalls, handoff: Handoff, effect: on.AskTakeBack) -> on.Answered:
    """Fence the old incarnation in again, then let it read up to the rows that count."""
    request = take_back_request(handoff, effect.expected_fence, effect.kept_sequence)
    assert request is not None, "who takes back was quiesced before"
    answer = await calls.fence(request)
    if not isinstance(answer, Granted):
        return on.Answered(answer=answer)
    adopt = said.Adopt(handoff=request.handoff, record=answer.record, delta=b"")
    return await _old(calls, handoff, adopt, said.AdoptAnswer)


async def _old(
    calls: FleetCalls, handoff: Handoff, ask: said.HandoffAsk, kind: object
) -> on.Answered:
    return await _new(calls, handoff, handoff.old_incarnation, ask, kind)


async def _new(
    calls: FleetCalls,
    handoff: Handoff,
    incarnation: int,
    ask: said.HandoffAsk,
    kind: object,
) -> on.Answered:
    timeout_ms = ANSWER_MS[type(ask)]
    if handoff.back and incarnation == handoff.old_incarnation:
        timeout_ms = min(timeout_ms, limits.BACK_ANSWER_MS)
    data = await calls.ask_slot(handoff.slot, incarnation, ask, timeout_ms)
    return on.Answered(answer=decode(data, kind))  # type: ignore[arg-type] # kind is a union
