"""Whatever leaves `decide` is a failed decision with its true name, and the slot goes on."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from actors.slot.events import RunStrategy
from actors.slot.facts import DecisionFact, Entry
from actors.slot.state import SlotState
from actors.slot.strategy import Answer, StrategyRunner
from checkpoints.record_set import RecordSet
from signals.decision import Action, Decision, FactorScore, Position
from signals.market import Timeframe
from signals.params import Params
from signals.strategy import Strategy
from signals.units import MicroShares
from tests.actors.slot.builders import DUE_MS, SLOT, Memory, hold, leg, trade
from tests.signals.builders import make_snapshot

TEXT_MAX = 400
GOOD = (hold(), Memory(calls=1))


def thrown(error: Any) -> Callable[..., Any]:
    def decide(*_case: Any) -> Any:
        raise error

    return decide


def answered(decision: Any, memory: Any = GOOD[1]) -> Callable[..., Any]:
    return lambda *_case: (decision, memory)


class TextRaisesError(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


class MegabyteError(Exception):
    def __str__(self) -> str:
        return "x" * 1_000_000


class LyingName(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise KeyboardInterrupt


class HiddenError(Exception, metaclass=LyingName):
    pass


class Lazy(Decision, frozen=True, kw_only=True):
    """Its own field raises when it is read."""

    @property
    def legs(self) -> Any:
        raise SystemExit("lazy")


class Shouting(str):
    """A text with a mind of its own."""

    __slots__ = ()

    def __str__(self) -> str:
        raise SystemExit

    def __eq__(self, other: object) -> bool:
        raise SystemExit

    __hash__ = str.__hash__


class LazyMemory(Memory, frozen=True, kw_only=True):
    def __getattribute__(self, name: str) -> Any:
        if name == "calls":
            raise asyncio.CancelledError
        return super().__getattribute__(name)


def recursing(*_case: Any) -> Any:
    def deeper() -> Any:
        return deeper()

    return deeper()


def generating(*_case: Any) -> Any:
    yield hold()
    raise GeneratorExit


async def waiting(*_case: Any) -> Any:
    return GOOD


def score(**changes: Any) -> FactorScore:
    values = {"name": "volume", "maximum": 10.0, "bull": 1.0, "bear": 0.0, "reason": "r"}
    return FactorScore(**{**values, **changes})


def scored(**changes: Any) -> Decision:
    return msgspec.structs.replace(hold(), factors=(score(**changes),))


def loose(**changes: Any) -> Decision:
    return msgspec.structs.replace(hold(), **changes)


BAD: dict[str, tuple[Callable[..., Any], str]] = {
    "system exit": (thrown(SystemExit("bye")), "SystemExit: bye"),
    "sys.exit()": (lambda *_: sys.exit(), "SystemExit"),
    "keyboard interrupt": (thrown(KeyboardInterrupt()), "KeyboardInterrupt"),
    "cancelled": (thrown(asyncio.CancelledError()), "CancelledError"),
    "generator exit": (thrown(GeneratorExit()), "GeneratorExit"),
    "stop iteration": (thrown(StopIteration(1)), "StopIteration: 1"),
    "stop async iteration": (thrown(StopAsyncIteration()), "StopAsyncIteration"),
    "its own timeout": (thrown(TimeoutError("mine")), "TimeoutError: mine"),
    "recursion": (recursing, "RecursionError: maximum recursion depth"),
    "no memory left": (thrown(MemoryError()), "MemoryError"),
    "a group": (thrown(BaseExceptionGroup("g", [SystemExit()])), "BaseExceptionGroup: g"),
    "text that raises": (thrown(TextRaisesError()), "TextRaisesError: (its text raises SystemExit"),
    "text of a megabyte": (thrown(MegabyteError()), "MegabyteError: xxx"),
    "text with a lone surrogate": (thrown(ValueError("\ud800")), "ValueError: \\ud800"),
    "a name that raises": (thrown(HiddenError("h")), "HiddenError: h"),
    "raised what is no exception": (thrown(SimpleNamespace()), "TypeError: exceptions must"),
    "no tuple": (lambda *_: None, "decide returned NoneType, not (decision, memory)"),
    "one value": (lambda *_: (hold(),), "decide returned tuple"),
    "three values": (lambda *_: (*GOOD, 1), "decide returned tuple"),
    "a generator": (generating, "decide returned generator"),
    "a coroutine": (waiting, "decide returned coroutine"),
    "a dict for a decision": (answered({"action": "no_trade"}), "decide returned dict, not a Dec"),
    "another memory": (answered(hold(), {"calls": 1}), "decide returned memory of type dict"),
    "text of its own kind": (answered(hold(Shouting("r"))), "malformed decision: TypeError"),
    "memory of a wrong type": (answered(hold(), Memory(calls="one")), "memory: ValidationError"),  # type: ignore[arg-type]
    "memory of 70 bits": (answered(hold(), Memory(calls=2**70)), "memory: OverflowError"),
    "memory with NaN": (answered(hold(), Memory(seen={"a": float("nan")})), "memory: "),  # type: ignore[dict-item]
    "memory with a surrogate": (answered(hold(), Memory(seen={"\ud800": 1})), "memory: Unicode"),
    "memory that cannot be encoded": (answered(hold(), Memory(seen={"a": object()})), "memory: Ty"),  # type: ignore[dict-item]
    "lone surrogate": (answered(hold("\ud800")), "malformed decision: UnicodeEncodeError"),
    "surrogate in a factor": (answered(scored(reason="\udfff")), "malformed decision: UnicodeEnc"),
    "70 bits": (answered(scored(input_age_ms=2**70)), "malformed decision: OverflowError"),
    "64 bits": (answered(scored(input_age_ms=2**63)), "volume.input_age_ms is a number of 64 bits"),
    "shares of 62 bits": (
        answered(trade(leg(shares=MicroShares(2**62)))),
        "leg 0 shares is a number of 63 bits",
    ),
    "nested NaN": (answered(scored(maximum=float("nan"))), "volume.maximum is nan"),
    "nested infinity": (answered(scored(bear=float("-inf"))), "volume.bear is -inf"),
    "NaN": (answered(loose(market_mid_up=float("nan"))), "market_mid_up is nan"),
    "a reason of a megabyte": (answered(hold("x" * 1_000_000)), "decision of 1000"),
    "a reason that is no text": (answered(hold(b"r")), "malformed decision: ValidationError"),  # type: ignore[arg-type]
    "an action that is none": (answered(loose(action="maybe")), "malformed decision: Validation"),
    "factors that never end": (
        answered(loose(factors=(score() for _ in range(3)))),
        "malformed decision: TypeError",
    ),
    "another recursion limit": (
        lambda *_: sys.setrecursionlimit(150) or GOOD,
        "decide changed the recursion limit",
    ),
    "another switch interval": (
        lambda *_: sys.setswitchinterval(100.0) or GOOD,
        "decide changed the thread switch interval",
    ),
    "another clock": (
        lambda *_: setattr(time, "time_ns", lambda: 0) or GOOD,
        "decide changed time.time_ns",
    ),
    "another sleep": (lambda *_: setattr(asyncio, "sleep", None) or GOOD, "decide changed asyncio"),
    "another fsync": (lambda *_: setattr(os, "fsync", lambda _: None) or GOOD, "decide changed os"),
}


def run_strategy(memory: Memory | None = None) -> RunStrategy:
    return RunStrategy(
        due_ms=DUE_MS,
        snapshot=make_snapshot(due_ms=DUE_MS),
        position=Position(),
        state=SlotState(slot=SLOT),
        memory=memory or Memory(),
        params=Params(),
        timeout_ms=20_000,
    )


def runner_of(decide: Callable[..., Any]) -> StrategyRunner:
    strategy: Strategy = SimpleNamespace(MEMORY_VERSION=1, Memory=Memory, decide=decide)  # type: ignore[assignment]
    return StrategyRunner(strategy, Timeframe.M5, RecordSet())


def answers(decide: Callable[..., Any], calls: int = 1) -> list[Answer]:
    """Run a strategy so often in one loop; what reaches the loop ends this test."""
    runner = runner_of(decide)

    async def scenario() -> list[Answer]:
        return [await runner.run(run_strategy()) for _ in range(calls)]

    return asyncio.run(scenario())


@pytest.mark.parametrize("name", BAD)
def test_what_leaves_decide_is_a_failed_decision_with_its_true_name(name: str) -> None:
    decide, what = BAD[name]
    before = (time.time_ns, asyncio.sleep, os.fsync, sys.getrecursionlimit())
    for answer in answers(decide, calls=2):
        assert answer.failed
        reason = answer.decision.reason
        assert reason.startswith(f"strategy_error: {what}"), reason
        assert len(reason) <= TEXT_MAX
        assert answer.memory == Memory(), "the memory before it"
        assert encoded(answer.decision)
    assert before == (time.time_ns, asyncio.sleep, os.fsync, sys.getrecursionlimit())


def encoded(decision: Decision) -> bytes:
    """Write the decision as a row's payload is written."""
    fact = DecisionFact(
        due_ms=DUE_MS,
        window_open_ms=DUE_MS,
        timeframe=Timeframe.M5,
        snapshot="s",
        complete=True,
        position=Position(),
        decision=decision,
        release="r",
        commit="c",
        params="p",
        strategy="told",
        memory_version=1,
    )
    entry = Entry(sequence=1, fence=1, market_ms=1, wire_ms=1, fact=fact)
    return msgspec.msgpack.encode(entry)


def test_a_good_answer_is_what_decide_returned() -> None:
    (answer,) = answers(answered(trade(), Memory(calls=3, seen={"a": 1})))
    assert (answer.decision, answer.memory) == (trade(), Memory(calls=3, seen={"a": 1}))
    assert not answer.failed


def test_what_is_kept_of_an_answer_is_plain() -> None:
    (answer,) = answers(answered(Lazy(action=Action.NO_TRADE, reason="r"), LazyMemory(calls=4)))
    assert type(answer.decision) is Decision
    assert (answer.decision.legs, answer.memory) == ((), Memory(calls=4))


def test_a_strategy_that_alters_its_memory_in_place_alters_a_copy() -> None:
    kept: list[Memory] = []

    def decide(_s: Any, _t: Any, _p: Any, memory: Memory, _params: Any) -> Any:
        memory.seen["poison"] = 1
        kept.append(Memory(seen={"given": 1}))
        if len(kept) == 1:
            raise ValueError("after the damage")
        return hold(), kept[-1]

    held = Memory(seen={"a": 1})
    runner = runner_of(decide)

    async def scenario() -> tuple[Answer, Answer]:
        return await runner.run(run_strategy(held)), await runner.run(run_strategy(held))

    failed, good = asyncio.run(scenario())
    assert (failed.failed, failed.memory, held) == (True, held, Memory(seen={"a": 1}))
    kept[-1].seen["later"] = 2
    assert good.memory == Memory(seen={"given": 1})


def test_what_did_not_change_in_a_memory_stays_the_same_object() -> None:
    class Item(msgspec.Struct, frozen=True):
        number: int

    class Large(msgspec.Struct, frozen=True, kw_only=True):
        calls: int = 0
        items: dict[str, Item] = {}
        still: dict[str, Item] = {}

    before = Large(items={"a": Item(1), "b": Item(2)}, still={"c": Item(3)})
    after = Large(calls=1, items={"a": Item(1), "b": Item(9)}, still={"c": Item(3)})
    strategy: Any = SimpleNamespace(Memory=Large, decide=lambda *_: (hold(), after))
    runner = StrategyRunner(strategy, Timeframe.M5, RecordSet())
    run = msgspec.structs.replace(run_strategy(), memory=before)
    answer: Any = asyncio.run(runner.run(run))
    assert answer.memory == after
    assert answer.memory.still is before.still
    assert answer.memory.items["a"] is before.items["a"]
    assert answer.memory.items["b"] is not after.items["b"]
    assert {change.segment for change in answer.memory_changes} == {"memory.head", "memory.items"}
