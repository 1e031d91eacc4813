"""Small valid values for the tests of the slot, and a strategy that does as it is told."""

from types import SimpleNamespace
from typing import Any

import msgspec

from actors.config import Timing
from actors.messages import Attestation, FenceRecord, Granted
from actors.slot.seat import Identity, Rules, Seat, open_seat
from actors.slot.state import SlotState
from signals.decision import Action, Decision, Leg, Position, Style
from signals.market import Outcome, Side, Timeframe
from signals.market_time import MarketClock
from signals.params import Params, params_id
from signals.snapshot import Snapshot
from signals.strategy import Strategy
from signals.units import MicroShares, MicroUsd, PriceMicroUsd

SLOT = "btc-5m"
OPEN_MS = 1_767_225_600_000
"""2026-01-01 00:00 UTC, a boundary of both timeframes."""
DUE_MS = OPEN_MS + 20_000
CYCLE_MS = 300_000
RELEASE = "ab" * 32


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    calls: int = 0
    seen: dict[str, int] = {}


def attestation(**changes: Any) -> Attestation:
    values: dict[str, Any] = {
        "release": RELEASE,
        "commit": "c0ffee",
        "message_version": 1,
        "schema_version": 1,
        "fingerprint": "test",
        "root": "/nowhere",
        "pid": 1,
        "process_start": 1,
    }
    return Attestation(**{**values, **changes})


def identity(incarnation: int = 1, life: str = "1-1", slot: str = SLOT) -> Identity:
    return Identity(slot=slot, incarnation=incarnation, life=life, attestation=attestation())


def rules(speed: int = 1, anchor_wire_ms: int = 0, offsets: tuple[int, ...] = (20_000,)) -> Rules:
    clock = MarketClock(speed=speed, anchor_wire_ms=anchor_wire_ms, anchor_market_ms=OPEN_MS)
    return Rules(
        timing=Timing(decision_offsets_ms=offsets),
        clock=clock,
        allocation_micro_usd=MicroUsd(100_000_000),
        strategy="told",
        memory_version=1,
    )


def seat(state: SlotState | None = None, who: Identity | None = None, **changes: Any) -> Seat:
    who = who or identity()
    return open_seat(
        who=who,
        rules=changes.get("rules", rules()),
        params=Params(),
        params_id=params_id(Params()),
        state=state or SlotState(slot=who.slot),
        memory=changes.get("memory", Memory()),
    )


def granted(seat_now: Seat, fence: int = 1, **changes: Any) -> Granted:
    record = FenceRecord(
        slot=seat_now.who.slot,
        fence=fence,
        incarnation=seat_now.who.incarnation,
        life=seat_now.who.life,
        release=RELEASE,
        commit="c0ffee",
        params=seat_now.params_id,
        journal_sequence=seat_now.state.journal_sequence,
        outbox_sequence=seat_now.state.outbox_sequence,
    )
    return Granted(record=msgspec.structs.replace(record, **changes))


def leg(**changes: Any) -> Leg:
    values: dict[str, Any] = {
        "outcome": Outcome.UP,
        "side": Side.BUY,
        "style": Style.REST,
        "price": PriceMicroUsd(490_000),
        "shares": MicroShares(10_000_000),
    }
    return Leg(**{**values, **changes})


def trade(*legs: Leg, reason: str = "edge 0.02 rest") -> Decision:
    return Decision(action=Action.TRADE, reason=reason, legs=legs or (leg(),), probability_up=0.55)


def hold(reason: str = "flat") -> Decision:
    return Decision(action=Action.NO_TRADE, reason=reason, probability_up=0.5)


class Told:
    """A strategy whose answers are given; remembers how often and when it was called."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer or (lambda _: trade())
        self.calls = 0

    def decide(
        self,
        snapshot: Snapshot,
        _timeframe: Timeframe,
        position: Position,
        memory: Memory,
        _params: Params,
    ) -> tuple[Decision, Memory]:
        self.calls += 1
        seen = {**memory.seen, str(snapshot.due_ms): position.up_shares}
        return self.answer(snapshot), Memory(calls=memory.calls + 1, seen=seen)

    def strategy(self) -> Strategy:
        return SimpleNamespace(MEMORY_VERSION=1, Memory=Memory, decide=self.decide)  # type: ignore[return-value]
