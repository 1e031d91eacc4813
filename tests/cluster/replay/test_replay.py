"""Recorded decisions are made again by the very release that made them, in a process of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from checkpoints.storage import LocalStorage
from cluster.replay import decider
from cluster.replay.decider import Ready
from cluster.replay.errors import GuestError, ReplayError
from cluster.replay.guests import check_identity
from cluster.replay.page import page
from cluster.replay.recorded import Wanted
from cluster.replay.result import Replayed
from cluster.replay.run import ReplayOptions, replay
from signals.market import Outcome
from tests.actors.slot.builders import Memory
from tests.cluster.audit.builders import DAY, Story, archive_changed, archive_tree

BLEND = "signals/blend.py"
COMMENT = {BLEND: ('"""The probability:', '"""The  probability:')}
OTHER_NUMBER = {BLEND: ("spread_points / 100", "spread_points / 90")}


class Recorded(msgspec.Struct, frozen=True):
    """A storage with two releases of equal rules, and one of other rules that never decided."""

    root: Path
    first: str
    second: str
    other: str


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    root = tmp_path_factory.mktemp("storage")
    storage = LocalStorage(root)
    first = archive_tree(storage)
    second = archive_changed(storage, tmp_path_factory.mktemp("second"), COMMENT)
    other = archive_changed(storage, tmp_path_factory.mktemp("other"), OTHER_NUMBER)
    for slot in ("btc-5m", "btc-15m"):
        story = Story(storage, first, slot)
        for winner in (Outcome.UP, Outcome.DOWN):
            story.trade(winner)
        story.claim(second, "beef")
        story.trade(Outcome.UP)
        story.decide(funding=(-0.0003,) * 6)
    return Recorded(root, first, second, other)


@pytest.fixture
def recorded(original: Recorded, tmp_path: Path) -> Iterator[Recorded]:
    root = tmp_path / "storage"
    shutil.copytree(original.root, root)
    yield msgspec.structs.replace(original, root=root)
    shutil.rmtree(root)


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def again(recorded: Recorded, with_release: str | None = None, **wanted: object) -> Replayed:
    options = ReplayOptions(
        wanted=Wanted(**wanted),  # type: ignore[arg-type]
        with_release=with_release,
        processes=1,
    )
    return replay(recorded.root, options)


def subjects(found: Replayed) -> set[str]:
    return {one.subject for one in found.problems}


def test_all_decisions_of_both_releases_are_identical_in_fresh_processes(
    original: Recorded,
) -> None:
    told: list[tuple[int, int]] = []
    options = ReplayOptions(processes=2)
    found = replay(original.root, options, progress=lambda done, of: told.append((done, of)))
    assert found.all_identical
    assert found.identical == found.made == found.decisions >= 8
    assert found.identical_share == 1.0
    assert [one.release for one in found.releases] == sorted([original.first, original.second])
    assert all(one.made == one.identical > 0 for one in found.releases)
    assert not any(one.fingerprint_differs for one in found.releases)
    assert told[0] == (0, found.decisions)
    assert told[-1] == (found.decisions, found.decisions)
    assert found.problems == ()
    assert found.suspect is None
    assert page(found).startswith("100.00 % identical")


def test_day_slot_release_and_last_choose_decisions_and_memory_still_chains(
    original: Recorded,
) -> None:
    whole = again(original)
    one_slot = again(original, slot="btc-15m", day=DAY)
    second = again(original, release=original.second[:8])
    assert 0 < one_slot.decisions < whole.decisions
    assert one_slot.all_identical
    assert [one.release for one in second.releases] == [original.second]
    assert second.all_identical
    last = again(original, last=3, slot="btc-5m")
    assert (last.decisions, last.all_identical) == (3, True)
    with pytest.raises(ReplayError, match="no recorded decision"):
        again(original, day="2026-01-02")


def test_another_release_shows_which_decisions_change_and_what_they_would_have_paid(
    original: Recorded,
) -> None:
    found = again(original, with_release=original.other[:10])
    assert found.with_release == original.other
    assert 0 < found.differing_count <= found.made == found.decisions
    first = found.differing[0]
    assert first.difference.field in {"reason", "legs.0.shares", "probability_up"}
    assert first.release in (original.first, original.second)
    settled = [one for one in found.differing if one.winner is not None]
    assert settled
    assert all(one.made_pnl_micro_usd is not None for one in settled)
    text = page(found)
    assert text.startswith(f"{found.differing_count} of the last {found.made} decisions change")
    assert "would have paid" in text


def test_code_that_was_not_what_its_tag_says_is_found(
    tmp_path: Path, original: Recorded, recorded: Recorded
) -> None:
    """Decisions under the id of other rules, made by these: the wrong code ran on one slot."""
    story = Story(LocalStorage(recorded.root), recorded.other, "eth-5m")
    story.trade(Outcome.UP)
    found = again(recorded)
    assert not found.all_identical
    assert {one.slot for one in found.differing} == {"eth-5m"}
    by_release = {one.release: one for one in found.releases}
    assert by_release[recorded.first].identical == by_release[recorded.first].made
    assert by_release[recorded.other].identical < by_release[recorded.other].made


def test_another_platform_is_named_as_the_suspect(recorded: Recorded) -> None:
    from checkpoints import archive

    story = Story(LocalStorage(recorded.root), recorded.other, "eth-5m")
    story.trade(Outcome.UP)
    name = recorded.root / f"releases/{recorded.other}.json"
    record = msgspec.json.decode(name.read_bytes(), type=archive.ArchiveRecord)
    manifest = msgspec.structs.replace(record.manifest, fingerprint="Plan9-mips CPython-3.11.0")
    record = msgspec.structs.replace(record, manifest=manifest, record_sha256="")
    digest = archive._record_digest(record)
    record = msgspec.structs.replace(record, record_sha256=digest)
    name.write_bytes(msgspec.json.encode(record, order="sorted"))
    found = again(recorded)
    assert found.suspect is not None
    assert "Plan9-mips" in found.suspect


@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_a_damaged_archive_is_named_by_its_digest_and_never_replaced(
    recorded: Recorded, damage: str
) -> None:
    file = recorded.root / f"releases/{recorded.first}.zip"
    if damage == "altered":
        flip(file)
    else:
        file.unlink()
    found = again(recorded)
    assert subjects(found) == {f"release {recorded.first}"}
    by_release = {one.release: one for one in found.releases}
    assert by_release[recorded.first].made == 0
    assert by_release[recorded.first].refused == by_release[recorded.first].decisions > 0
    assert by_release[recorded.second].made == by_release[recorded.second].identical > 0
    assert not found.all_identical


@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_a_damaged_snapshot_is_named_and_the_rest_is_identical(
    recorded: Recorded, damage: str
) -> None:
    file = min((recorded.root / f"snapshots/{DAY}").glob("*.arrow.zst"))
    if damage == "altered":
        flip(file)
    else:
        file.unlink()
    found = again(recorded)
    assert subjects(found) == {f"snapshot {file.name.split('.')[0]}"}
    assert {one.kind for one in found.problems} == {damage}
    assert 0 < found.refused <= 2
    assert found.identical == found.made == found.decisions - found.refused


def test_a_damaged_journal_row_is_named_and_the_memory_is_found_again(recorded: Recorded) -> None:
    rows = sorted((recorded.root / f"journal/{DAY}/btc-5m").glob("*.arrow"))
    flip(rows[1])
    found = again(recorded, slot="btc-5m")
    assert f"journal/{DAY}/btc-5m/{rows[1].name}" in subjects(found)
    assert found.identical == found.made > 0
    assert not found.all_identical
    assert not any(one.kind == "release" for one in found.problems)


def test_a_damaged_row_of_an_order_counts_too_for_nobody_knows_what_it_held(
    recorded: Recorded,
) -> None:
    rows = sorted((recorded.root / f"journal/{DAY}/btc-15m").glob("*.arrow"))
    events = [file for file in rows if b"order_opened" in file.read_bytes()]
    flip(events[0])
    found = again(recorded, slot="btc-5m")
    assert (found.refused, found.identical) == (0, found.made)
    assert not found.all_identical
    assert again(recorded, slot="btc-5m", day=DAY).all_identical is False


@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_parameters_that_are_not_what_their_id_says_are_named(
    recorded: Recorded, damage: str
) -> None:
    file = next((recorded.root / "params").iterdir())
    if damage == "altered":
        file.write_bytes(file.read_bytes().replace(b"4.0", b"4.1"))
    else:
        file.unlink()
    found = again(recorded)
    assert subjects(found) == {f"parameters {file.stem}"}
    assert found.made == 0
    assert found.identical_share is None


def test_an_unknown_release_to_decide_with_is_refused_with_the_known_ones(
    original: Recorded,
) -> None:
    with pytest.raises(ReplayError, match=original.first[:12]):
        again(original, with_release="ffff")


def test_a_guest_that_runs_other_or_mixed_code_is_refused() -> None:
    ready = Ready(release="ab", fingerprint="", problems=())
    check_identity("ab", ready)
    with pytest.raises(GuestError, match="runs ab instead"):
        check_identity("cd", ready)
    mixed = msgspec.structs.replace(ready, problems=("signals.blend: loaded from elsewhere",))
    with pytest.raises(GuestError, match="loaded from elsewhere"):
        check_identity("ab", mixed)


def test_a_strategy_that_exits_ends_its_decision_and_not_the_replay() -> None:
    def leaves(*_case: object) -> object:
        raise SystemExit("bye")

    strategy = SimpleNamespace(MEMORY_VERSION=1, Memory=Memory, decide=leaves)
    assert decider._answer_of(strategy, (None, None, None, Memory(), None)) == "SystemExit: bye"
