"""The whole contract of a strategy, and how one is found by name.

A strategy is a module in `signals/strategies/` with

* ``Memory``: a frozen `msgspec.Struct`, every field with a default. It is checkpointed, upgraded,
  hashed and chained in replay like the rest of a slot's state. Fields that are dictionaries with
  text keys are stored record by record, so that a large memory costs a handoff only what changed.
* ``decide(snapshot, timeframe, position, memory, params) -> (Decision, Memory)``: pure and
  deterministic. Arithmetic uses Python floats and ``math`` (`fsum`), not numpy.
* ``MEMORY_VERSION``: integer, grows with the layout of ``Memory``.
"""

import importlib
import re
from typing import Protocol, cast

import msgspec

from signals.decision import Decision, Position
from signals.market import Timeframe
from signals.params import Params
from signals.snapshot import Snapshot

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


class Strategy(Protocol):
    MEMORY_VERSION: int
    Memory: type[msgspec.Struct]

    def decide(
        self,
        snapshot: Snapshot,
        timeframe: Timeframe,
        position: Position,
        memory: msgspec.Struct,
        params: Params,
    ) -> tuple[Decision, msgspec.Struct]: ...


class StrategyError(Exception):
    """A strategy file cannot be used; its author must mend what the message names."""


def load_strategy(name: str) -> Strategy:
    """Import `signals.strategies.<name>` and check its form; raise `StrategyError` otherwise."""
    if not NAME.fullmatch(name):
        raise StrategyError(f"strategy name {name!r}: use lower case letters, digits and _")
    try:
        module = importlib.import_module(f"signals.strategies.{name}")
    except Exception as error:  # a strategy file is a stranger's code: anything can come
        raise StrategyError(f"signals/strategies/{name}.py does not import: {error!r}") from error
    for attribute in ("MEMORY_VERSION", "Memory", "decide"):
        if not hasattr(module, attribute):
            raise StrategyError(f"signals/strategies/{name}.py defines no {attribute}")
    return cast("Strategy", module)
