"""A slot that rests on a bad release is excused only as the rule says, and with the alarm of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors.supervisor.standing import PROVEN_GOOD
from actors.supervisor.taking_back import NO_WAY_BACK
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage
from tests.simulation.judge import has_no_way_back
from tests.simulation.strategies import Kind

SLOT = "btc-5m"
OLD, OLDER, BAD = "0" * 64, "1" * 64, "2" * 64
KINDS = {OLD: Kind.GOOD, OLDER: Kind.GOOD, BAD: Kind.DIES_LATER}


def world(folder: Path, *decided: str, alarm: str | None, owner: str = BAD) -> Any:
    """Return a world of one slot: releases that decided in it, and the one whose alarm it has."""
    fences = [SimpleNamespace(fence=n, release=one) for n, one in enumerate((*decided, owner), 1)]
    disk = LocalStorage(folder)
    if alarm is not None:
        AlarmStore(disk).raise_alarm(
            Alarm(
                kind=NO_WAY_BACK,
                subject=SLOT,
                severity=Severity.CRITICAL,
                action="Correct the code.",
                raised_wire_ms=1,
                release=alarm[:12],
            )
        )
    monitor = SimpleNamespace(
        fence=lambda _slot: fences[-1],
        fences={SLOT: fences},
        memories={SLOT: [(n, n, None) for n in range(1, len(fences))]},
    )
    releases = {release: SimpleNamespace(kind=kind) for release, kind in KINDS.items()}
    return cast("Any", SimpleNamespace(monitor=monitor, releases=releases, disk=disk))


@pytest.mark.parametrize("decided", [(), (OLD,) * (PROVEN_GOOD - 1), (OLD, OLDER), (BAD,) * 9])
def test_without_a_proven_release_a_bad_one_stays(tmp_path: Path, decided: tuple[str, ...]) -> None:
    assert has_no_way_back(world(tmp_path, *decided, alarm=BAD), SLOT)


def test_a_bad_release_beside_a_proven_one_is_not_excused(tmp_path: Path) -> None:
    assert not has_no_way_back(world(tmp_path, *(OLD,) * PROVEN_GOOD, alarm=BAD), SLOT)


@pytest.mark.parametrize("alarm", [None, OLD])
def test_a_bad_release_without_its_alarm_is_not_excused(tmp_path: Path, alarm: str | None) -> None:
    assert not has_no_way_back(world(tmp_path, alarm=alarm), SLOT)


def test_a_good_release_is_never_excused(tmp_path: Path) -> None:
    assert not has_no_way_back(world(tmp_path, alarm=OLD, owner=OLD), SLOT)
