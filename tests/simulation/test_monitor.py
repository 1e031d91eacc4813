"""The judge of strategies' memories blames a lost decision, and no late owner for a later one's."""

from types import SimpleNamespace
from typing import Any, cast

from tests.simulation.monitor import Monitor


def monitor(*memories: tuple[int, int, str]) -> Monitor:
    world = SimpleNamespace(exchange=SimpleNamespace(), loop=SimpleNamespace(now_s=1.0))
    made = Monitor(cast("Any", world))
    made.memories["btc-5m"] = list(memories)
    return made


def test_a_memory_without_the_last_decision_is_blamed() -> None:
    judge = monitor((10, 3, "two decisions"), (16, 3, "three decisions"))
    judge._same_memory("btc-5m", 16, 4, "two decisions")
    assert judge.violations == [
        "at 1.000 s: btc-5m: memory at 16 is two decisions, was three decisions"
    ]


def test_what_a_later_owner_decided_is_not_of_an_earlier_ones_memory() -> None:
    judge = monitor((10, 3, "two decisions"), (16, 6, "three decisions"))
    judge._same_memory("btc-5m", 16, 5, "two decisions")
    assert judge.violations == []
    judge._same_memory("btc-5m", 16, 6, "two decisions")
    assert len(judge.violations) == 1
