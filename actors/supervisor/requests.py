"""Perform one asking effect of the supervisor and return the event that answers it."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, assert_never

import msgspec

from actors.directory import first_name, serving
from actors.gateway.client import NoAnswer
from actors.gateway.lock import HALT_FILE
from actors.gateway.status import FenceTable, GatewayStatus
from actors.market_data.status import MarketDataStatus
from actors.messages import (
    FenceRecord,
    OpenAnswer,
    Opened,
    OpenIncarnation,
    Refusal,
    SetTrading,
    TradingState,
    decode,
)
from actors.rollout.record import last_beat_ms, progress_of, read_active
from actors.rollout.succession import replaced
from actors.runtime import log_event, wire_ms
from actors.shared_kind import Kind
from actors.supervisor.events import (
    AnyEvent,
    AskFeeds,
    AskGateway,
    AskSlot,
    CreateFailed,
    CreateSlot,
    Ends,
    FeedsSeen,
    FencesRead,
    FencesUnread,
    GatewaySeen,
    OpenSeat,
    PollRollout,
    ReadFences,
    Request,
    RollBack,
    RolledBack,
    RolloutSeen,
    SeatOpened,
    SeatRefused,
    SharedSilent,
    SlotCreated,
    SlotMissing,
    SlotSeen,
    SlotSilent,
    TightenTrading,
)
from actors.supervisor.fleet_port import FleetPort, Missing, Silent, slot_status
from actors.supervisor.plans import release_of_plan
from actors.supervisor.state import GATEWAY, MARKET_DATA
from actors.undated import undated
from checkpoints.archive import load_manifest
from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage

TIGHTEN_TRIES: Final = 60
TIGHTEN_PAUSE_SECONDS: Final = 1.0
"""Wire. A gateway that hangs is ended and back within a minute; each try lasts some seconds."""

Undated = Callable[[int, int], AnyEvent]
"""Makes the event once it is known when it is stepped: (market ms, wire ms)."""


class VacancyPort(Protocol):
    """The gateway as the supervisor sees it."""

    async def fences(self) -> FenceTable | Refusal | NoAnswer: ...

    async def open_incarnation(
        self, request: OpenIncarnation, /
    ) -> OpenAnswer | Refusal | NoAnswer: ...

    async def set_trading(self, request: SetTrading, /) -> SetTrading | Refusal | NoAnswer: ...


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    fleet: FleetPort
    gateway: VacancyPort
    storage: Storage
    release: str
    """The supervisor's own: what a slot that never lived is created with."""

    async def answer(self, effect: Request) -> Undated:
        match effect:
            case ReadFences():
                return await self._read_fences()
            case AskSlot():
                return await self._ask_slot(effect)
            case OpenSeat():
                return await self._open_seat(effect)
            case CreateSlot(slot=slot, incarnation=incarnation, release=release):
                failure = await self.fleet.create_slot(slot, incarnation, release)
                if failure is not None:
                    return undated(CreateFailed, slot=slot, incarnation=incarnation, reason=failure)
                return undated(SlotCreated, slot=slot, incarnation=incarnation)
            case AskGateway() | AskFeeds():
                return await self._ask_shared(effect)
            case PollRollout():
                return await asyncio.to_thread(poll_rollout, self.storage)
            case _ as never:
                assert_never(never)

    async def perform(self, effect: TightenTrading | RollBack) -> Undated | None:
        """Do what the policy says; return the event that tells of its end, if one is waited for."""
        match effect:
            case TightenTrading():
                await self._tighten(effect)
                return None
            case RollBack(release=release, to=to, slots=slots):
                failure = await self.fleet.roll_back(to, slots)
                log_event("release_taken_back", release=release, to=to, failure=failure)
                return undated(RolledBack, release=release, failure=failure)
            case _ as never:
                assert_never(never)

    async def _tighten(self, effect: TightenTrading) -> None:
        """Ask the gateway until it answers; the HALT file stops its posts meanwhile."""
        if effect.state is TradingState.HALTED:
            await asyncio.to_thread(write_halt, self.storage, effect.reason)
        order = SetTrading(
            state=effect.state, reason=effect.reason, who="alarm policy", only_tighter=True
        )
        answer: SetTrading | Refusal | NoAnswer = NoAnswer(reason="not asked")
        for _ in range(TIGHTEN_TRIES):
            answer = await self.gateway.set_trading(order)
            if not isinstance(answer, NoAnswer):
                break
            await asyncio.sleep(TIGHTEN_PAUSE_SECONDS)
        log_event("trading_tightened", wanted=str(effect.state), answer=str(answer)[:300])

    async def _read_fences(self) -> Undated:
        table = await self.gateway.fences()
        if isinstance(table, FenceTable):
            owners = {owner.slot: owner for owner in table.owners}
            return undated(FencesRead, owners=owners, history=_by_slot(table.history))
        return undated(FencesUnread, reason=table.reason)

    async def _ask_slot(self, effect: AskSlot) -> Undated:
        slot, incarnation = effect.slot, effect.incarnation
        status = await slot_status(self.fleet, f"{slot}/{incarnation}")
        match status:
            case Missing():
                return undated(SlotMissing, slot=slot, incarnation=incarnation)
            case Silent(reason=reason):
                return undated(SlotSilent, slot=slot, incarnation=incarnation, reason=reason)
            case _:
                return undated(SlotSeen, slot=slot, incarnation=incarnation, status=status)

    async def _open_seat(self, effect: OpenSeat) -> Undated:
        release = effect.release or self.release
        if effect.back and not self._archived(release):
            reason = f"release {release[:12]} is not in the archive"
            return undated(SeatRefused, slot=effect.slot, reason=reason, not_archived=release)
        if effect.ends is not None:
            await self._end_for_good(effect.slot, effect.ends)
        request = OpenIncarnation(
            slot=effect.slot,
            expected_fence=effect.expected_fence,
            release=release,
            vacant=True,
            reason=effect.reason,
            request=effect.request,
        )
        answer = await self.gateway.open_incarnation(request)
        if isinstance(answer, Opened):
            return undated(
                SeatOpened, slot=effect.slot, incarnation=answer.incarnation, release=release
            )
        return undated(SeatRefused, slot=effect.slot, reason=answer.reason)

    async def _end_for_good(self, slot: str, ends: Ends) -> None:
        """End an actor so that Ray does not start it again, then its process by id.

        Ray forgets the name at once; a process that hangs or is stopped would outlive that.
        """
        ended = await self.fleet.end_actor(f"{slot}/{ends.incarnation}")
        if ends.life is not None:
            await self.fleet.end_process(ends.life, ends.node_id)
        log_event("incarnation_ended", slot=slot, incarnation=ends.incarnation, ended=ended)

    def _archived(self, release: str) -> bool:
        try:
            load_manifest(self.storage, release)
        except CheckpointsError:
            return False
        return True

    async def _ask_shared(self, effect: AskGateway | AskFeeds) -> Undated:
        gateway = isinstance(effect, AskGateway)
        who = GATEWAY if gateway else MARKET_DATA
        answer = await self.fleet.ask(_name_of(self.storage, Kind(who)), "status")
        match answer:
            case Missing():
                return undated(SharedSilent, who=who, missing=True, reason="no living actor")
            case Silent(reason=reason):
                return undated(SharedSilent, who=who, missing=False, reason=reason)
            case _:
                return _shared_status(who, answer)


def write_halt(storage: Storage, reason: str) -> None:
    try:
        storage.write(HALT_FILE, f"{reason}\n".encode())
    except CheckpointsError as error:
        log_event("halt_not_written", reason=str(error))


def _by_slot(records: tuple[FenceRecord, ...]) -> dict[str, tuple[FenceRecord, ...]]:
    found: dict[str, list[FenceRecord]] = {}
    for record in records:
        found.setdefault(record.slot, []).append(record)
    return {slot: tuple(history) for slot, history in found.items()}


def poll_rollout(storage: Storage) -> Undated:
    """Read which rollout is under way and when its driver last gave a sign."""
    active = read_active(storage)
    shared = replaced_shared(storage)
    if active is None:
        return undated(RolloutSeen, rollout=None, replaced_shared=shared)
    beat_ms = max(last_beat_ms(storage, active.rollout), active.begun_wire_ms)
    return undated(
        RolloutSeen,
        rollout=active.rollout,
        beat_wire_ms=int(beat_ms),
        to_release=release_of_plan(storage, active.rollout),
        progress=progress_of(storage, active.rollout),
        replaced_shared=shared,
    )


def replaced_shared(storage: Storage) -> dict[str, tuple[str, str]]:
    """Read which release of each shared actor a roll brought, and which one it replaced."""
    found = {who: replaced(storage, who, wire_ms()) for who in (GATEWAY, MARKET_DATA)}
    return {who: pair for who, pair in found.items() if pair is not None}


def _shared_status(who: str, data: bytes) -> Undated:
    try:
        if who == GATEWAY:
            return undated(GatewaySeen, status=decode(data, GatewayStatus))
        return undated(FeedsSeen, status=decode(data, MarketDataStatus))
    except msgspec.ValidationError as error:
        return undated(SharedSilent, who=who, missing=False, reason=f"status: {error}")


def _name_of(storage: Storage, kind: Kind) -> str:
    """Return who serves; of a damaged file the first name, so that somebody is looked for."""
    try:
        return serving(storage, kind)
    except CheckpointsError:
        return first_name(kind)
