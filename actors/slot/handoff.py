"""Handoff, the slot's side: what the owner gives and what its successor makes of it.

The owner pins a base, and at the switch sends only what changed since. The successor restores the
base ahead of time, proves that it reads it without loss and that it can decide, and at the switch
applies the delta and proves the whole state by its logical hash before it owns anything.
"""

import asyncio
from typing import Final, assert_never

import msgspec

from actors.rollout.handoff_messages import (
    Adopt,
    AdoptAnswer,
    Adopted,
    BasePinned,
    HandoffAsk,
    HandoffFailed,
    PinAnswer,
    PinBase,
    Quiesce,
    QuiesceAnswer,
    Quiesced,
    Resume,
    ResumeAnswer,
    Resumed,
    ShadowAnswer,
    ShadowAsk,
    ShadowReport,
    Warm,
    WarmAnswer,
    Warmed,
)
from actors.slot.checkpoints import Taken, take, take_records
from actors.slot.delta import Pinned, Written, encode_delta
from actors.slot.downgrade import Downgrade
from actors.slot.events import (
    AdoptAsked,
    QuiesceAsked,
    ReportAdopted,
    ReportQuiesced,
    ReportResumed,
    ResumeAsked,
    TakeCheckpoint,
)
from actors.slot.loop import SlotLoop
from actors.slot.recovery import recover
from actors.slot.seat import Phase
from actors.slot.state import SlotState
from actors.slot.successor import Base, Prover, WarmError
from actors.slot.versions import versions_of_release
from actors.undated import undated
from checkpoints.checkpoint_store import CheckpointStore
from checkpoints.codec import decode_checkpoint
from checkpoints.errors import CheckpointsError

DURABLE_WAIT_SECONDS: Final = 5.0
"""A pin waits for a decision at work and its row; both have limits of their own below this."""
DURABLE_LOOK_SECONDS: Final = 0.01
STEPPED_TURNS: Final = 8
"""Turns of the event loop in which it has stepped what was posted; it needs two."""


class SlotHandoff:
    """Answers of one incarnation, as owner or as successor; every failure is a value."""

    def __init__(self, loop: SlotLoop) -> None:
        self._loop = loop
        self._requests = loop.requests
        self._store = CheckpointStore(
            loop.requests.storage, loop.requests.memory.words.state.newest
        )
        self._prover = Prover(loop.requests)
        self._pinned: Pinned | None = None
        self._base: Base | None = None

    async def answer(self, ask: HandoffAsk) -> msgspec.Struct:
        match ask:
            case PinBase():
                return await self.pin_base(ask)
            case Quiesce():
                return await self.quiesce(ask)
            case Resume():
                return await self.resume(ask)
            case Warm():
                return await self.warm(ask)
            case ShadowAsk():
                return await self.shadow(ask)
            case Adopt():
                return await self.adopt(ask)
            case _ as never:
                assert_never(never)

    # ---- the owner ----------------------------------------------------------------------------

    async def pin_base(self, ask: PinBase) -> PinAnswer:
        """Take a full checkpoint of durable state and remember what changes from it on."""
        if not await self._settled():
            return HandoffFailed(handoff=ask.handoff, reason=f"busy: {self._loop.seat.phase}")
        seat, records = self._loop.seat, self._requests.runner.records
        taken = take(
            seat,
            TakeCheckpoint(
                state=seat.state,
                memory=seat.memory,
                fence=seat.fence,
                market_ms=self._loop.market_ms(),
            ),
            records,
        )
        mark = records.mark()
        try:
            words = await asyncio.to_thread(self._downgrade, ask.release, taken)
            sent = taken if words is None else words.base
            digest = await asyncio.to_thread(
                self._store.save, seat.who.slot, sent.meta, sent.records
            )
        except CheckpointsError as error:
            return HandoffFailed(handoff=ask.handoff, reason=f"storage: {error}")
        sequence = taken.meta.sequence
        self._pinned = Pinned(
            handoff=ask.handoff, digest=digest, sequence=sequence, mark=mark, words=words
        )
        return BasePinned(
            handoff=ask.handoff,
            digest=digest,
            journal_sequence=sequence,
            fence=seat.fence,
            life=seat.who.life,
            attestation=seat.who.attestation,
            params=seat.params_id,
        )

    def _downgrade(self, release: str, taken: Taken) -> Downgrade | None:
        """Put a checkpoint into the words of an older release; None where it knows ours."""
        memory = self._requests.memory
        known = versions_of_release(self._requests.storage, release, memory.strategy)
        target = memory.words.own if known is None else memory.words.own.older(known)
        if target == memory.words.own:
            return None
        return Downgrade(memory.words, target, taken)

    async def _settled(self) -> bool:
        """Wait until no decision is at work and every row is durable."""
        looks = int(DURABLE_WAIT_SECONDS / DURABLE_LOOK_SECONDS)
        for _ in range(looks):
            seat = self._loop.seat
            if seat.phase is Phase.ACTIVE and seat.all_durable and seat.pending is None:
                return True
            await asyncio.sleep(DURABLE_LOOK_SECONDS)
        return False

    async def quiesce(self, ask: Quiesce) -> QuiesceAnswer:
        """Stop stepping; answer with the durable delta since the pinned base."""
        pinned = self._pinned
        if pinned is None or pinned.handoff != ask.handoff:
            return HandoffFailed(handoff=ask.handoff, reason="no_base: pin_base comes first")
        asked = asyncio.create_task(
            self._loop.ask(f"quiesce/{ask.handoff}", undated(QuiesceAsked, ask=ask))
        )
        try:
            ahead = await self._write_ahead(pinned)
            report = await asked
            if not isinstance(report, ReportQuiesced):
                return HandoffFailed(handoff=ask.handoff, reason=str(report))
            if ahead is None or (ahead.state, ahead.memory) != (report.state, report.memory):
                ahead = await self._write(pinned, report.state, report.memory)
        except CheckpointsError as error:
            return HandoffFailed(handoff=ask.handoff, reason=f"storage: {error}")
        return Quiesced(
            handoff=pinned.handoff,
            fence=report.fence,
            journal_sequence=report.state.journal_sequence,
            outbox_sequence=report.state.outbox_sequence,
            checkpoint=ahead.digest,
            logical_hash=ahead.meta.logical_hash,
            delta=ahead.data,
        )

    async def _write_ahead(self, pinned: Pinned) -> Written | None:
        """Write the delta while the quiesce row is on its way to the disk: nobody waits for both.

        Only where nothing else is at work; and the answer still waits for the row.
        """
        for _ in range(STEPPED_TURNS):
            seat = self._loop.seat
            if seat.phase is Phase.QUIESCING and seat.pending is None:
                return await self._write(pinned, seat.state, seat.memory)
            await asyncio.sleep(0)
        return None

    async def _write(self, pinned: Pinned, state: SlotState, memory: msgspec.Struct) -> Written:
        seat = self._loop.seat
        effect = TakeCheckpoint(
            state=state, memory=memory, fence=seat.fence, market_ms=self._loop.market_ms()
        )
        encoded = encode_delta(pinned, seat, effect, self._requests.runner.records)
        await asyncio.to_thread(self._store.save_encoded, encoded.meta, encoded.data)
        return encoded

    async def resume(self, ask: Resume) -> ResumeAnswer:
        report = await self._loop.ask(f"resume/{ask.handoff}", undated(ResumeAsked, ask=ask))
        if isinstance(report, ReportResumed):
            return Resumed(handoff=ask.handoff, fence=report.fence)
        return HandoffFailed(handoff=ask.handoff, reason=str(report))

    # ---- the successor ------------------------------------------------------------------------

    async def warm(self, ask: Warm) -> WarmAnswer:
        """Restore the base, prove the round trip, prove that this release can decide on it."""
        who = self._loop.seat.who
        try:
            self._base = await asyncio.to_thread(self._prover.restore, ask.base)
            proof = await self._prover.prove(
                self._base.state, self._base.memory, self._loop.seat.params
            )
        except (WarmError, CheckpointsError, msgspec.MsgspecError) as error:
            return HandoffFailed(handoff=ask.handoff, reason=f"warm: {error}")
        # what is applied now costs nothing at the switch
        take_records(self._requests.runner.records, self._base.state, self._base.memory)
        return Warmed(
            handoff=ask.handoff,
            attestation=who.attestation,
            life=who.life,
            params=self._loop.seat.params_id,
            logical_hash=self._base.logical_hash,
            proof=proof,
        )

    async def shadow(self, ask: ShadowAsk) -> ShadowAnswer:
        if self._base is None:
            return HandoffFailed(handoff=ask.handoff, reason="no_base: warm comes first")
        found = await self._prover.shadow(self._base, ask.recorded, self._loop.seat.params)
        return ShadowReport(
            handoff=ask.handoff,
            compared=found.compared,
            differences=found.differences,
            differing=found.differing,
            failure=found.failure,
        )

    async def adopt(self, ask: Adopt) -> AdoptAnswer:
        """Apply the delta, prove the hash, own the slot, then decide once to verify."""
        try:
            state, memory, logical_hash = await self._adopted_state(ask)
        except (WarmError, CheckpointsError, msgspec.MsgspecError) as error:
            return HandoffFailed(handoff=ask.handoff, reason=f"adopt: {error}")
        event = undated(
            AdoptAsked, handoff=ask.handoff, record=ask.record, state=state, memory=memory
        )
        report = await self._loop.ask(f"adopt/{ask.handoff}", event)
        if not isinstance(report, ReportAdopted):
            return HandoffFailed(handoff=ask.handoff, reason=str(report))
        try:
            verified = await self._prover.verify(state, memory, self._loop.seat.params)
        except WarmError as error:
            return HandoffFailed(handoff=ask.handoff, reason=f"verify: {error}")
        return Adopted(
            handoff=ask.handoff, fence=report.fence, logical_hash=logical_hash, verified=verified
        )

    async def _adopted_state(self, ask: Adopt) -> tuple[SlotState, msgspec.Struct, str]:
        if not ask.delta or self._base is None:
            return await self._recovered_state(ask)
        delta = decode_checkpoint(ask.delta, self._requests.memory.words.state.newest)
        if delta.meta.base != self._base.digest:
            return await self._recovered_state(ask)
        base = self._base.with_delta(delta.delta)
        if base.logical_hash != ask.record.logical_hash:
            raise WarmError(f"hash: {base.logical_hash[:12]}, not {ask.record.logical_hash}")
        records = self._requests.runner.records
        if take_records(records, base.state, base.memory) != base.own_hash():
            raise WarmError("hash: the restored state does not read back as it was sent")
        return base.state, base.memory, base.logical_hash

    async def _recovered_state(self, ask: Adopt) -> tuple[SlotState, msgspec.Struct, str]:
        """Read checkpoint and journal up to exactly the record: the old one's way back."""
        slot, storage = self._loop.seat.who.slot, self._requests.storage
        found = await asyncio.to_thread(recover, storage, slot, self._requests.memory, ask.record)
        if found.state.journal_sequence != ask.record.journal_sequence:
            raise WarmError(f"journal ends at {found.state.journal_sequence}: {found.gap}")
        wanted = ask.record.logical_hash or ""
        if wanted and found.own_memory and not found.reads_as(wanted):
            raise WarmError(f"hash: {found.logical_hash()[:12]} was read, not {wanted[:12]}")
        return found.state, found.memory, wanted
