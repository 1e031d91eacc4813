"""Arguments that name a thing of the fleet: a slot, a day, a release; a wrong one is refused."""

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from actors.runtime import load_config
from checkpoints.archive import archived_releases
from checkpoints.errors import DamagedError
from checkpoints.storage import Storage
from cluster.config.errors import nearest
from cluster.config.slots import check_configured
from cluster.errors import ClusterError
from signals.market import DEFAULT_SLOTS, Slot

RELEASE_SHOWN: Final = 12
"""Letters of a release id that people see."""
KNOWN_SHOWN: Final = 8


class SlotName(click.ParamType[str, Any]):
    """A slot such as ``btc-5m``; near misses are named."""

    name = "slot"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(Slot.parse(str(value).strip()))
        except ValueError:
            self.fail(unknown_slot(str(value)), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        del ctx, param
        names = (str(slot) for slot in DEFAULT_SLOTS)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class SlotNames(SlotName):
    """Slots with commas between, e.g. ``btc-5m,eth-5m``; kept as that text."""

    name = "slots"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        words = [word for word in str(value).split(",") if word.strip()]
        return ",".join(super(SlotNames, self).convert(word, param, ctx) for word in words)


class Day(click.ParamType[str, Any]):
    """A UTC day, YYYY-MM-DD."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return dt.date.fromisoformat(str(value)).isoformat()
        except ValueError:
            self.fail(f"{value!r} is no day; write YYYY-MM-DD, e.g. 2026-03-01", param, ctx)


class PlainText(click.ParamType[str, Any]):
    """What a person writes and the record keeps; bytes that are no text are written as escapes."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        del param, ctx
        return str(value).encode(errors="backslashreplace").decode()


WORDS: Final = PlainText()
SLOT: Final = SlotName()
SLOTS: Final = SlotNames()
DAY: Final = Day()


def unknown_slot(name: str) -> str:
    """Say that there is no such slot, and which one was probably meant."""
    return f"unknown slot {name}{_hint(name, [str(slot) for slot in DEFAULT_SLOTS])}"


def check_slot(storage: Path, slot: str | None) -> None:
    """Raise `ClusterError` for a slot that the fleet of this storage never had."""
    if slot is None:
        return
    try:
        config = load_config(str(storage))
    except (FileNotFoundError, DamagedError):
        return  # a journal without its configuration is read all the same
    check_configured([slot], config)


def check_release(storage: Storage, beginning: str, others: Iterable[str] = ()) -> None:
    """Raise `ClusterError` unless an archived or otherwise known release begins so."""
    known = sorted({*archived_releases(storage), *others})
    if any(release.startswith(beginning) for release in known) and beginning:
        return
    names = ", ".join(release[:RELEASE_SHOWN] for release in known[:KNOWN_SHOWN]) or "none yet"
    raise ClusterError(f'no release begins with "{beginning}"; known: {names}')


def _hint(name: str, known: Sequence[str]) -> str:
    near = nearest(name, known)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
