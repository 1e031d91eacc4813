"""The slot machine on a table: steps a seat, holds each phase change against its table."""

from typing import Any

from actors.messages import OrderOpened, OutboxPage
from actors.slot.events import (
    AnyEffect,
    AnyEvent,
    AppendEntries,
    ClaimAnswered,
    RowsDurable,
    SnapshotArrived,
    StrategyAnswered,
    Ticked,
)
from actors.slot.seat import Seat
from actors.slot.step import step
from signals.decision import Decision
from tests.actors.slot.builders import (
    DUE_MS,
    OPEN_MS,
    Memory,
    granted,
    seat,
)
from tests.signals.builders import make_snapshot


class Slot:
    """Steps a seat and remembers effects; the table refuses a phase that is not in it."""

    def __init__(self, now_ms: int = OPEN_MS, **changes: Any) -> None:
        self.seat: Seat = seat(**changes)
        self.now_ms = now_ms
        self.effects: list[AnyEffect] = []

    def apply(self, kind: type[Any], **fields: Any) -> list[AnyEffect]:
        event: AnyEvent = kind(market_ms=self.now_ms, wire_ms=self.now_ms, **fields)
        self.seat, effects = step(self.seat, event)
        self.effects += effects
        return list(effects)

    def at(self, now_ms: int) -> "Slot":
        self.now_ms = now_ms
        return self

    def start(self, fence: int = 1) -> "Slot":
        self.apply(Ticked)
        self.apply(ClaimAnswered, answer=granted(self.seat, fence))
        self.durable()
        return self

    def durable(self) -> list[AnyEffect]:
        return self.apply(RowsDurable, sequence=self.seat.state.journal_sequence)

    def decide(self, decision: Decision, due_ms: int = DUE_MS) -> list[AnyEffect]:
        self.at(due_ms).apply(Ticked)
        self.apply(
            SnapshotArrived, due_ms=due_ms, digest="d", snapshot=make_snapshot(due_ms=due_ms)
        )
        return self.answer(decision, due_ms)

    def answer(self, decision: Any, due_ms: int = DUE_MS, **changes: Any) -> list[AnyEffect]:
        fields = {
            "due_ms": due_ms,
            "decision": decision,
            "failed": False,
            "memory": Memory(calls=1),
            "memory_changes": (),
            "pre_state_hash": "pre",
            "memory_hash": "post",
        }
        return self.apply(StrategyAnswered, **{**fields, **changes})


def only(effects: list[AnyEffect], kind: type[Any]) -> Any:
    found = [effect for effect in effects if isinstance(effect, kind)]
    assert len(found) == 1, f"{len(found)} of {kind.__name__} in {effects}"
    return found[0]


def none(effects: list[AnyEffect], kind: type[Any]) -> bool:
    return not any(isinstance(effect, kind) for effect in effects)


def facts(effects: list[AnyEffect], kind: type[Any]) -> list[Any]:
    entries = [e for effect in effects if isinstance(effect, AppendEntries) for e in effect.entries]
    return [entry.fact for entry in entries if isinstance(entry.fact, kind)]


def opened(sequence: int) -> OrderOpened:
    return OrderOpened(sequence=sequence, order_id="o", at_ms=0)


def page(*sequences: int, fence: int = 1) -> OutboxPage:
    events = tuple(opened(sequence) for sequence in sequences)
    return OutboxPage(slot="btc-5m", fence=fence, last_sequence=99, events=events)
