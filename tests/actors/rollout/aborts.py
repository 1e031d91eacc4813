"""A fleet of one slot whose driver died, and the calls by which `abort` puts it in order."""

# ruff: noqa: ARG002 a fake takes what the port takes

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from actors.messages import (
    FenceAnswer,
    FenceRecord,
    FenceRefused,
    FenceRequest,
    Granted,
    OpenAnswer,
    Opened,
    OpenIncarnation,
    OpenRefused,
    encode,
)
from actors.rollout import handoff_messages as said
from actors.rollout.abort import abort
from actors.rollout.handoff_messages import HandoffAsk
from actors.rollout.handoff_state import Step
from actors.rollout.ports import CallFailedError
from actors.rollout.record import Active, encode_state, take_turn
from actors.rollout.rollout_state import Options, Phase, Rollout
from actors.rollout.schedule import Schedule
from actors.runtime import wire_ms
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.storage import LocalStorage
from signals.market_time import MarketClock
from tests.actors.rollout import handoffs
from tests.actors.rollout.plans import plan

SLOT = "btc-5m"
SPEED = 3_600.0
HANDOFF = "r0001-btc-5m"


def record(incarnation: int, fence: int, handoff: str | None) -> FenceRecord:
    return msgspec.structs.replace(
        handoffs.record(fence, incarnation, handoff),
        life=f"life-{incarnation}",
        release="old" if incarnation == 1 else "new",
    )


OLD_OWNS, NEW_OWNS = record(1, 4, None), record(2, 5, HANDOFF)


def decision(fence: int, reason: str = "points", snapshot: str | None = "digest") -> JournalRow:
    return JournalRow(
        slot=SLOT,
        sequence=10,
        fence=fence,
        kind=RowKind.DECISION,
        incarnation=2,
        life="l",
        release="new",
        commit="c",
        params="p",
        market_ms=1,
        wire_ms=1,
        reason=reason,
        snapshot=snapshot,
    )


class Fleet:
    """`AbortCalls` over a table of one slot."""

    def __init__(self, owner: FenceRecord, living: list[int], rows: list[JournalRow]) -> None:
        self.table = owner
        self.alive = living
        self.rows = rows
        self.dismissed: list[int] = []
        self.alarms: list[str] = []
        self.old_adopts = True
        self.silent = 0
        self.sick: str | None = None
        self.vacancies: list[int] = []
        self.fills = True
        self.asked: list[FenceRequest] = []
        self.claims_meanwhile: list[FenceRecord] = []

    def living(self, slot: str) -> list[int]:
        return [number for number in self.alive if number not in self.dismissed]

    async def owner(self, slot: str) -> FenceRecord:
        if self.silent:
            self.silent -= 1
            raise CallFailedError("gateway: nobody there")
        return self.table

    async def decisions(self, slot: str, after_sequence: int) -> list[JournalRow]:
        return [row for row in self.rows if row.sequence > after_sequence]

    async def dismiss_slot(self, slot: str, incarnation: int, handoff: str) -> None:
        self.dismissed.append(incarnation)

    async def fence(self, request: FenceRequest) -> FenceAnswer:
        self.asked.append(request)
        if self.claims_meanwhile:
            self.table = self.claims_meanwhile.pop(0)
        if request.expected_fence != self.table.fence:
            return FenceRefused(reason="the fence moved", owner=self.table)
        self.table = record(request.incarnation, self.table.fence + 1, request.handoff)
        return Granted(record=self.table)

    async def ask_slot(
        self, slot: str, incarnation: int, ask: HandoffAsk, timeout_ms: int
    ) -> bytes:
        assert isinstance(ask, said.Adopt)
        if not self.old_adopts:
            return encode(said.HandoffFailed(handoff=ask.handoff, reason="no journal"))
        fence = ask.record.fence
        adopted = said.Adopted(handoff=ask.handoff, fence=fence, logical_hash="", verified="")
        return encode(adopted)

    async def raise_alarm(self, kind: str, subject: str, reason: str) -> None:
        self.alarms.append(f"{kind} {subject}: {reason}")

    async def unused(self, *_: Any) -> Any:
        raise AssertionError("an abort creates nothing")

    create_slot = hash_root = unused

    async def sickness(self, owner: FenceRecord) -> str | None:
        return self.sick

    async def open_incarnation(self, request: OpenIncarnation) -> OpenAnswer:
        assert request.vacant
        assert request.release == "old"
        if not self.fills:
            return OpenRefused(reason="no such release", fence=request.expected_fence)
        self.vacancies.append(request.expected_fence)
        return Opened(incarnation=3)

    async def fill_slot(self, owner: FenceRecord, incarnation: int, release: str) -> None:
        self.dismissed.append(owner.incarnation)
        self.alive.append(incarnation)
        filled = record(incarnation, owner.fence + 1, None)
        self.table = msgspec.structs.replace(filled, release=release)


def left_behind(tmp_path: Path, step: Step, *, back: bool = False) -> LocalStorage:
    """Store a rollout that stood at a step when its driver died."""
    storage = LocalStorage(tmp_path)
    take_turn(storage, Active(rollout="r0001", driver="999999999-1", begun_wire_ms=wire_ms()))
    handoff = handoffs.planned(
        handoff=HANDOFF,
        step=step,
        incarnation=2,
        base=msgspec.structs.replace(handoffs.PINNED, handoff=HANDOFF, life="life-1"),
        quiesced=msgspec.structs.replace(handoffs.QUIESCED, handoff=HANDOFF),
        record=NEW_OWNS,
        back=back,
        vacated="no answer" if back else None,
    )
    rollout = Rollout(
        rollout="r0001",
        to_release="new",
        options=Options(),
        schedule=Schedule(offsets_ms=(20_000,), clock=MarketClock()),
        order=(SLOT,),
        handoffs={SLOT: handoff},
        phase=Phase.REST,
        started_wire_ms=wire_ms(),
    )
    storage.write("rollouts/r0001/plan.json", msgspec.json.encode(plan((SLOT,))))
    storage.write("rollouts/r0001/state.json", encode_state(rollout))
    return storage


def ended(tmp_path: Path, fleet: Fleet, *, comes_again: bool = False) -> dict[str, str]:
    work = abort(str(tmp_path), fleet, SPEED, lambda _: None, comes_again=comes_again)
    return asyncio.run(work).slots
