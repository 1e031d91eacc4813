"""A slot on a bad release, and time that passes without a decision of it."""

from typing import Any

from actors.supervisor.events import (
    SlotSeen,
    Ticked,
)
from actors.supervisor.state import Place
from tests.actors.supervisor.test_supervisor_releases import (
    BAD,
    decision,
    read,
    watched,
)
from tests.actors.supervisor.test_supervisor_step import SLOT, Watch

OLDER = "cc" * 32
HOUR_MS = 3_600_000


def live(watch: Watch | None = None) -> Watch:
    watch = watch or watched()
    seen = decision(watch, "points", incarnation=2, release=BAD)
    watch.apply(SlotSeen, slot=SLOT, incarnation=2, status=seen)
    watch.apply(Ticked)
    assert watch.place() is Place.LIVE
    return watch


def wait(watch: Watch, for_ms: int, *, every_ms: int = 2_000) -> list[Any]:
    """Let time pass: the clock ticks and the journal, without a new row, is read to its end."""
    effects: list[Any] = []
    for _ in range(for_ms // every_ms):
        effects += watch.after(every_ms).apply(Ticked)
        effects += read(watch)
    return effects
