"""The redeemer beside a fleet: where it runs, of which release, and when it is started again."""

from pathlib import Path

import pytest

from actors.venue.kinds import VenueKind
from actors.venue.storage_mark import mark_problem
from checkpoints.process_id import ProcessId
from cluster.errors import ClusterError
from cluster.local import redeemer
from cluster.local.redeemer import Kept, keep_redeemer, may_start, start_redeemer
from cluster.local.restarts import PAUSES
from cluster.local.state_folder import RunRecord, StateFolder

OLD, NEW = "a" * 64, "b" * 64


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    found = StateFolder(tmp_path / "fleet")
    found.prepare()
    for release in (OLD, NEW):
        archive = found.storage / "releases" / f"{release}.zip"
        archive.parent.mkdir(exist_ok=True)
        archive.write_bytes(b"zip")
    return found


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    releases: list[str] = []
    monkeypatch.setattr(redeemer, "start_redeemer", lambda _, release: releases.append(release))
    return releases


def launched(**fields: object) -> RunRecord:
    return RunRecord(release=OLD, launched=True, **fields)


@pytest.mark.parametrize("kind", VenueKind)
def test_only_a_live_fleet_and_its_rehearsal_have_one(
    state: StateFolder, started: list[str], kind: VenueKind
) -> None:
    assert mark_problem(state.storage, kind) is None
    keep_redeemer(state, launched(), Kept(), 0.0)
    assert started == ([OLD] if kind in {VenueKind.LIVE, VenueKind.REHEARSAL} else [])


def test_one_that_lives_is_left_alone_and_one_that_died_is_started_after_a_pause(
    state: StateFolder, started: list[str]
) -> None:
    mark_problem(state.storage, VenueKind.LIVE)
    alive = launched(redeemer=ProcessId.own(), redeemer_release=OLD)
    kept = keep_redeemer(state, alive, Kept(), 0.0)
    assert started == []
    kept = keep_redeemer(state, launched(redeemer_release=OLD), kept, 1.0)
    kept = keep_redeemer(state, launched(redeemer_release=OLD), kept, 2.0)
    assert started == [OLD]
    keep_redeemer(state, launched(redeemer_release=OLD), kept, 1.0 + PAUSES.wait_s(1))
    assert started == [OLD, OLD]


def test_it_is_never_given_up(state: StateFolder) -> None:
    starts = tuple(float(number) for number in range(50))
    assert not may_start(starts, 50.0)
    assert may_start(starts, 50.0 + PAUSES.most_ms / 1_000)


def test_it_is_replaced_when_all_slots_run_another_release(
    state: StateFolder, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mark_problem(state.storage, VenueKind.LIVE)
    monkeypatch.setattr(redeemer, "release_in_force", lambda *_: NEW)
    alive = launched(redeemer=ProcessId.own(), redeemer_release=OLD)
    keep_redeemer(state, alive, Kept(), 0.0)
    assert started == [NEW]


def test_it_does_not_run_code_that_is_not_archived(state: StateFolder) -> None:
    with pytest.raises(ClusterError, match="is missing"):
        start_redeemer(state, "c" * 64)
