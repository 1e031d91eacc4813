"""What a bad release is: an edit of a copied tree, when it turns bad, and what may come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.rolling_update.trees import edit

SIGNAL: Final = "signals/strategies/five_factor.py"
RULE_OF_TWO: Final = 2
"""Decision points that a slot may lose before it is back: the first may be the world's fault."""


@dataclass(frozen=True)
class Spot:
    """Where a case happens."""

    flag: Path
    """A release that turns bad does so once this file is there."""
    storage: Path


Make = Callable[[Path, Spot], None]
"""Edit a copied tree."""


@dataclass(frozen=True)
class Case:
    name: str
    make: Make
    turns: bool = False
    """Good until it is confirmed; then the flag is set."""
    slots: tuple[str, ...] = ("btc-5m",)
    canary: str | None = None
    shadow: int = 0
    everything: bool = False
    """Shared actors are replaced too."""
    caught: str = ""
    """Text that an alarm, or the refusal, holds."""
    missed_max: int = RULE_OF_TWO
    """Decision points without a good decision, of all slots together."""
    harmless: bool = False
    """Well formed and wrong: nobody takes it back at once, other limits hold it. A person does."""
    partly: bool = False
    """Some slots rightly run it when the roll has stopped; a person takes it back there."""
    lone: bool = False
    """The storage is damaged by it on purpose: nothing more is compared on this fleet."""
    short: bool = False
    """One of those that every run of the tests makes."""

    @property
    def waits_for_a_person(self) -> bool:
        return self.harmless or self.partly


def appended(tree: Path, file: str, text: str) -> None:
    path = tree / file
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def append(file: str, text: str) -> Make:
    return lambda tree, _spot: appended(tree, file, text)


def edits(file: str, old: str, new: str) -> Make:
    return lambda tree, _spot: edit(tree, file, old, new)


_WRAPPED = """

import os as _os
import sys as _sys

_GOOD_DECIDE = decide
_KEPT = []


def _bad_decide(snapshot, timeframe, position, memory, params):
    _KEPT.append(1)
{body}
    return _GOOD_DECIDE(snapshot, timeframe, position, memory, params)


def decide(snapshot, timeframe, position, memory, params):
    if {condition}:
        return _bad_decide(snapshot, timeframe, position, memory, params)
    return _GOOD_DECIDE(snapshot, timeframe, position, memory, params)
"""


def decides(*lines: str) -> Make:
    """Do these lines before each decision, from the first on. `_KEPT` has one entry a call."""
    return lambda tree, _spot: appended(tree, SIGNAL, _wrapped("True", lines))


def turns(*lines: str) -> Make:
    """Do these lines before each decision, from the flag on; `{storage}` is the fleet's."""

    def make(tree: Path, spot: Spot) -> None:
        told = [line.replace("{storage}", str(spot.storage)) for line in lines]
        appended(tree, SIGNAL, _wrapped(_is_there(spot), told))

    return make


def answers(*lines: str) -> Make:
    """From the flag on, change the good decision `d` and memory `m` by these lines."""
    call = "d, m = _GOOD_DECIDE(snapshot, timeframe, position, memory, params)"
    return turns(call, *lines, "return d, m")


def in_module(file: str, *lines: str, turned: bool = True) -> Make:
    """Append lines to a module; `_turned()` says whether the flag is there."""

    def make(tree: Path, spot: Spot) -> None:
        condition = _is_there(spot) if turned else "True"
        head = f"\n\nimport os as _os\n\n\ndef _turned():\n    return {condition}\n\n\n"
        appended(tree, file, head + "\n".join(lines) + "\n")

    return make


def together(*makes: Make) -> Make:
    def make(tree: Path, spot: Spot) -> None:
        for each in makes:
            each(tree, spot)

    return make


def _is_there(spot: Spot) -> str:
    return f'_os.path.exists("{spot.flag}")'


def _wrapped(condition: str, lines: tuple[str, ...] | list[str]) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return _WRAPPED.format(condition=condition, body=body)
