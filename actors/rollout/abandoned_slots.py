"""The slots of a rollout whose driver is gone: one owner that decides, and nobody beside it.

The gateway's table says who owns each slot: a standby leaves, a fenced-in successor must show by a
durable decision that it decides, or the old incarnation is fenced in again.
"""

import asyncio
from typing import Final, Protocol

from actors.messages import (
    FenceRecord,
    FenceRequest,
    Granted,
    OpenIncarnation,
    OpenRefused,
    decode,
)
from actors.rollout import handoff_messages as said
from actors.rollout import handoff_state as limits
from actors.rollout.fence_requests import back_name, take_back_request
from actors.rollout.handoff_state import Handoff
from actors.rollout.handoff_table import ENDED
from actors.rollout.ports import CallFailedError, FleetCalls
from actors.rollout.proof import failure_of, was_asked
from actors.runtime import wire_ms
from signals.market import CYCLE_MS

POLL_SECONDS: Final = 0.2
CYCLES_WAITED: Final = 2
"""Decision cycles within which a successor that owns its slot must have decided."""
WAIT_MS_MIN: Final = 10_000
CLAIM_MS: Final = 10_000
"""Wire. A process that starts claims its slot within seconds; a standby of a handoff never does."""
TRIES_MAX: Final = 8
AGAIN_SECONDS: Final = 2.0
"""Wire. A gateway that restarts serves again within 5 s, one that hangs is replaced within 20 s."""
PATIENT_TRIES_MAX: Final = 30
"""Of the supervisor, for which nobody waits: a gateway whose way back failed too is away longer."""
STUCK: Final = "stuck: "


class AbortCalls(FleetCalls, Protocol):
    def living(self, slot: str) -> list[int]:
        """Return the incarnations of a slot whose actors live."""
        ...


def stuck_in(ends: dict[str, str]) -> tuple[str, ...]:
    """Name the slots that could not be asked or led anywhere: a standby may be left in them."""
    return tuple(slot for slot, end in ends.items() if end.startswith(STUCK))


async def end_slots(
    calls: AbortCalls,
    handoffs: dict[str, Handoff],
    order: tuple[str, ...],
    speed: float,
    tries: int,
) -> dict[str, str]:
    """End all asked slots: the stored state may be older than what the driver did last."""
    wait_ms = max(WAIT_MS_MIN, CYCLES_WAITED * CYCLE_MS / speed)
    ends = await asyncio.gather(
        *(_end_slot(calls, slot, handoffs.get(slot), wait_ms, tries) for slot in order)
    )
    return dict(zip(order, ends, strict=True))


async def _end_slot(
    calls: AbortCalls, slot: str, handoff: Handoff | None, wait_ms: float, tries: int
) -> str:
    """End the slot's part; what killed the driver may have killed the gateway too: ask again."""
    trouble = ""
    for _ in range(tries):
        try:
            return await _leave_one_owner(calls, slot, handoff, wait_ms)
        except CallFailedError as error:
            trouble = str(error)
        await asyncio.sleep(AGAIN_SECONDS)
    await calls.raise_alarm("handoff_stuck", slot, f"abort: {trouble}")
    return f"{STUCK}{trouble}"


async def _leave_one_owner(
    calls: AbortCalls, slot: str, handoff: Handoff | None, wait_ms: float
) -> str:
    """Leave the slot with one owner that decides, and with nobody else."""
    owner = await calls.owner(slot)
    end = "keeps its owner"
    if handoff is not None and handoff.back:
        owner = await _await_claim(calls, slot, owner)
        good = owner.release == handoff.new_release
        end = "is on the release gone back to" if good else "keeps its owner: roll back again"
    elif handoff is not None and _switched(handoff, owner) and handoff.step not in ENDED:
        fault = await _fault(calls, handoff, owner, wait_ms)
        end = "stays with the new release, which decides"
        if fault is not None:
            owner, how = await _bring_back(calls, handoff, owner)
            end = f"{how}: {fault}"
    for incarnation in calls.living(slot):
        if incarnation != owner.incarnation:
            await calls.dismiss_slot(slot, incarnation, "the rollout was ended")
    return end


async def _await_claim(calls: AbortCalls, slot: str, owner: FenceRecord) -> FenceRecord:
    """Let a process that a vacancy was declared for take the slot: its predecessor was ended."""
    until_ms = wire_ms() + CLAIM_MS
    while wire_ms() < until_ms and max(calls.living(slot), default=0) > owner.incarnation:
        await asyncio.sleep(POLL_SECONDS)
        owner = await calls.owner(slot)
    return owner


def _switched(handoff: Handoff, owner: FenceRecord) -> bool:
    """Tell whether the successor owns the slot, also by a claim of a later life of its own.

    Or the old one was fenced in again: whether it acts is still to be seen.
    """
    names = (handoff.handoff, back_name(handoff))
    return owner.handoff in names or owner.incarnation == handoff.incarnation


async def _fault(
    calls: AbortCalls, handoff: Handoff, owner: FenceRecord, wait_ms: float
) -> str | None:
    """Wait for the successor's first durable decision; return what is wrong, if anything.

    What it has decided counts, whatever became of its process since: filling a vacancy is the
    supervisor's work. One that cannot decide any more is not waited for.
    """
    sick = await calls.sickness(owner)
    until_ms, looked_ms = wire_ms() + wait_ms, 0.0
    while looked_ms < until_ms:  # the last look begins after the time is over
        looked_ms = wire_ms()
        for row in await calls.decisions(handoff.slot, owner.journal_sequence):
            if row.fence >= owner.fence and was_asked(row):
                return failure_of(row)
        if sick is not None:
            return sick
        await asyncio.sleep(POLL_SECONDS)
    return f"no decision in {wait_ms:.0f} ms"


async def _bring_back(
    calls: AbortCalls, handoff: Handoff, owner: FenceRecord
) -> tuple[FenceRecord, str]:
    """Fence the old incarnation in again; where it cannot act, its release comes by vacancy."""
    try:
        return await _take_back(calls, handoff, owner), "taken back"
    except CallFailedError:
        owner = await calls.owner(handoff.slot)
        if owner.release == handoff.old_release and owner.incarnation != handoff.old_incarnation:
            return owner, "taken back by the supervisor"
        return await _fill(calls, handoff, owner), "taken back by vacancy"


async def _fill(calls: AbortCalls, handoff: Handoff, owner: FenceRecord) -> FenceRecord:
    request = OpenIncarnation(
        slot=handoff.slot,
        expected_fence=owner.fence,
        release=handoff.old_release,
        vacant=True,
        reason=f"{handoff.handoff} was ended, and its old incarnation cannot act",
        request=f"{back_name(handoff)}/{owner.fence}",
    )
    answer = await calls.open_incarnation(request)
    if isinstance(answer, OpenRefused):
        raise CallFailedError(f"no vacancy: {answer.reason}")
    await calls.fill_slot(owner, answer.incarnation, handoff.old_release)
    return await calls.owner(handoff.slot)


async def _take_back(calls: AbortCalls, handoff: Handoff, owner: FenceRecord) -> FenceRecord:
    """Fence the old incarnation in again, with the rows up to the switch or the last good one.

    A successor that died and claimed anew has moved its record's sequence on, and does so again
    while this asks; the rows between are its own, and nothing of it is needed.
    """
    refusal = ""
    for _ in range(limits.TAKE_BACK_TRIES_MAX):
        answer = await calls.fence(_back_request(handoff, owner.fence))
        if isinstance(answer, Granted):
            await _adopt_back(calls, handoff, answer.record)
            return answer.record
        refusal = answer.reason
        owner = await calls.owner(handoff.slot)
        if not _switched(handoff, owner):
            break
    raise CallFailedError(f"not taken back: {refusal}")


def _back_request(handoff: Handoff, expected_fence: int) -> FenceRequest:
    kept = 0 if handoff.quiesced is None else handoff.quiesced.journal_sequence
    request = take_back_request(handoff, expected_fence, max(handoff.kept_sequence, kept))
    if request is None:
        raise CallFailedError(f"nothing is known of the old incarnation of {handoff.slot}")
    return request


async def _adopt_back(calls: AbortCalls, handoff: Handoff, record: FenceRecord) -> None:
    adopt = said.Adopt(handoff=back_name(handoff), record=record, delta=b"")
    data = await calls.ask_slot(
        handoff.slot, handoff.old_incarnation, adopt, limits.TAKE_BACK_DEADLINE_MS
    )
    adopted: said.AdoptAnswer = decode(data, said.AdoptAnswer)  # type: ignore[arg-type] # a union
    if isinstance(adopted, said.HandoffFailed):
        raise CallFailedError(f"fenced in again and not adopted: {adopted.reason}")
