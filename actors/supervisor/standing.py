"""Which releases have proven themselves in which slot, and which were taken back. Stored, pure.

A release is proven in a slot once the journal holds `PROVEN_GOOD` good decisions of it there. The
supervisor itself leads a slot only to a release that is proven in it and was never taken back from
any slot. A slot that was led back stays where it is: only a rollout changes that.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from actors.supervisor.conduct import Made, Outcome
from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage

FILE: Final = "supervisor/releases"
PROVEN_GOOD: Final = 2
"""Good decisions: as many as it takes bad ones to be taken back."""
RELEASES_KEPT: Final = 16
"""Of a slot, the latest; one that ran so many releases ago is no way back."""
TAKEN_BACK_MAX: Final = 256


class OnSlot(msgspec.Struct, frozen=True, kw_only=True):
    """What one release did in one slot."""

    release: str
    good: int = 0
    """Good decisions, counted up to `PROVEN_GOOD`."""
    counted_due_ms: int = 0
    """Latest point that was counted."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    slots: dict[str, tuple[OnSlot, ...]] = {}
    """By slot, the one that decided last is last."""
    taken_back: tuple[str, ...] = ()
    """Releases that nothing automatic leads to any more."""
    led_back: dict[str, str] = {}
    """Slot -> release that it was led back to."""


def with_decisions(standing: Standing, made: Iterable[Made]) -> Standing:
    """Count good decisions, in the order of their points."""
    for one in sorted(made, key=lambda each: each.due_ms):
        if one.outcome is Outcome.GOOD:
            standing = _with_good(standing, one)
    return standing


def _with_good(standing: Standing, one: Made) -> Standing:
    known = standing.slots.get(one.slot, ())
    mine = next((each for each in known if each.release == one.release), None)
    mine = mine or OnSlot(release=one.release)
    if mine.good < PROVEN_GOOD and one.due_ms > mine.counted_due_ms:
        mine = OnSlot(release=one.release, good=mine.good + 1, counted_due_ms=one.due_ms)
    others = tuple(each for each in known if each.release != one.release)
    after = (*others, mine)[-RELEASES_KEPT:]
    if after == known:
        return standing
    return msgspec.structs.replace(standing, slots={**standing.slots, one.slot: after})


def is_proven(standing: Standing, slot: str, release: str) -> bool:
    known = standing.slots.get(slot, ())
    return any(one.release == release and one.good >= PROVEN_GOOD for one in known)


def way_back(standing: Standing, slot: str, release: str) -> str | None:
    """Return the latest other release that is proven in the slot and was never taken back."""
    if standing.led_back.get(slot) == release:
        return None
    for one in reversed(standing.slots.get(slot, ())):
        if one.release not in (release, *standing.taken_back) and one.good >= PROVEN_GOOD:
            return one.release
    return None


def ran_another(standing: Standing, slot: str, release: str) -> bool:
    return any(one.release != release for one in standing.slots.get(slot, ()))


def taken_back(standing: Standing, release: str) -> Standing:
    """Note that a release is taken back: nothing automatic leads to it any more."""
    others = tuple(one for one in standing.taken_back if one != release)
    return msgspec.structs.replace(standing, taken_back=(*others, release)[-TAKEN_BACK_MAX:])


def led_back(standing: Standing, slot: str, to: str) -> Standing:
    return msgspec.structs.replace(standing, led_back={**standing.led_back, slot: to})


def read_standing(storage: Storage) -> Standing:
    """Return what is stored; nothing where there is nothing, or nothing that can be read."""
    try:
        return msgspec.json.decode(storage.read(FILE), type=Standing)
    except (CheckpointsError, msgspec.DecodeError, UnicodeDecodeError):
        return Standing()


def store_standing(storage: Storage, standing: Standing) -> None:
    """Raises `CheckpointsError`."""
    storage.write(FILE, msgspec.json.encode(standing))
