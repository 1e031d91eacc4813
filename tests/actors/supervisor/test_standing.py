"""Which releases are proven in a slot, and which nothing automatic leads to: counted and stored."""

from pathlib import Path

import msgspec

from actors.supervisor.conduct import Outcome
from actors.supervisor.standing import (
    PROVEN_GOOD,
    Standing,
    is_proven,
    read_standing,
    store_standing,
    way_back,
    with_decisions,
)
from checkpoints.storage import LocalStorage
from tests.actors.slot.builders import OPEN_MS
from tests.actors.supervisor.test_supervisor_releases import BAD, OLD, made
from tests.actors.supervisor.test_supervisor_step import SLOT, Watch

OLDER = "cc" * 32


def test_proven_is_counted_by_slot_and_each_point_once(tmp_path: Path) -> None:
    watch = Watch()
    first = made(watch, Outcome.GOOD, OLD, OPEN_MS)
    standing = with_decisions(Standing(), [first] * 5)
    assert not is_proven(standing, SLOT, OLD)
    rest = [made(watch, Outcome.GOOD, OLD, OPEN_MS + n) for n in range(1, PROVEN_GOOD)]
    standing = with_decisions(standing, rest)
    assert is_proven(standing, SLOT, OLD)
    assert not is_proven(standing, "eth-5m", OLD)
    assert with_decisions(standing, [made(watch, Outcome.GOOD, OLD, OPEN_MS + 9)]) == standing
    storage = LocalStorage(tmp_path)
    assert read_standing(storage) == Standing()
    store_standing(storage, standing)
    assert read_standing(storage) == standing
    storage.write("supervisor/releases", b"\xff torn")
    assert read_standing(storage) == Standing()


def test_bad_decisions_prove_nothing() -> None:
    watch = Watch()
    bad = [Outcome.FAILED, Outcome.NO_SNAPSHOT] * 4
    rows = [made(watch, each, OLD, OPEN_MS + n) for n, each in enumerate(bad)]
    assert with_decisions(Standing(), rows) == Standing()


def test_the_way_back_is_the_latest_that_is_proven_and_was_not_taken_back() -> None:
    watch = Watch()
    rows = [
        made(watch, Outcome.GOOD, release, OPEN_MS + 10 * place + n)
        for place, release in enumerate((OLDER, OLD, BAD))
        for n in range(PROVEN_GOOD)
    ]
    standing = with_decisions(Standing(), rows)
    assert way_back(standing, SLOT, BAD) == OLD
    assert way_back(standing, "eth-5m", BAD) is None
    without = msgspec.structs.replace(standing, taken_back=(OLD,))
    assert way_back(without, SLOT, BAD) == OLDER
    led = msgspec.structs.replace(without, led_back={SLOT: OLDER})
    assert way_back(led, SLOT, OLDER) is None
