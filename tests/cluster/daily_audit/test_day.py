"""A whole day is audited; each kind of damage makes the day not well, and says where."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

import actors.clock
from actors.slot.facts import DecisionFact
from actors.slot.rows import entry_of
from checkpoints.journal import JOURNAL
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.snapshots import SNAPSHOTS
from checkpoints.storage import LocalStorage
from cluster.daily_audit import run
from cluster.daily_audit.page import headline, page
from cluster.daily_audit.report import CheckState
from cluster.errors import FleetError
from cluster.local.state_folder import StateFolder
from signals.market import DAY_MS, day_start_ms
from signals.market_time import MarketClock
from tests.cluster.audit.losses import rewrite
from tests.cluster.daily_audit.days import (
    DAY,
    NEXT_MORNING_MS,
    SAME,
    audited,
    case_of,
    check,
    make_state,
)

AGAIN = "decisions made again"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> StateFolder:
    return make_state(tmp_path_factory.mktemp("fleet"))


@pytest.fixture
def state(original: StateFolder, tmp_path: Path) -> Iterator[StateFolder]:
    root = tmp_path / "fleet"
    shutil.copytree(original.root, root)
    state = StateFolder(root)
    config = case_of(state).config
    moved = replace(config, storage=str(state.storage))
    LocalStorage(state.storage).write("config/current.json", msgspec.json.encode(moved))
    yield state
    shutil.rmtree(root)


@pytest.fixture(autouse=True)
def venue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "reconcile", lambda _config, _span: SAME)


def test_a_day_without_fault_is_still_well_with_its_figures(state: StateFolder) -> None:
    found = audited(case_of(state))
    assert found.well, page(found)
    assert found.over
    again = check(found, AGAIN)
    assert again.state is CheckState.PASSED
    assert found.figures.decisions >= 6
    assert (found.figures.slots, found.figures.missed) == (2, 0)
    assert found.figures.settled == found.figures.orders == found.figures.fills == 6
    assert found.figures.late_wire_ms_p99 == 1_000
    assert page(found).startswith(f"{DAY}: still well\n{found.figures.decisions} decisions")


def test_a_row_whose_bytes_were_altered_is_found(state: StateFolder) -> None:
    file = sorted((state.storage / JOURNAL).rglob("*.arrow"))[4]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    found = audited(case_of(state))
    assert not found.well
    assert check(found, "record").state is CheckState.FAILED
    assert any(file.stem in text for text in check(found, "record").found)


def test_a_decision_that_was_rewritten_with_its_payload_and_sealed_again_is_found(
    state: StateFolder,
) -> None:
    def other(row: JournalRow) -> JournalRow:
        entry = entry_of(row)
        assert isinstance(entry.fact, DecisionFact)
        decision = replace(entry.fact.decision, reason="a better one")
        fact = replace(entry.fact, decision=decision)
        payload = msgspec.msgpack.encode(replace(entry, fact=fact))
        return replace(row, reason="a better one", payload=payload)

    rewrite(state.storage, "btc-5m", RowKind.DECISION, other)
    again = check(audited(case_of(state)), AGAIN)
    assert again.state is CheckState.FAILED
    assert "btc-5m row" in again.found[0]
    assert "a better one" in again.found[0]


def test_a_release_whose_archive_is_gone_is_named(state: StateFolder) -> None:
    release = audited(case_of(state)).figures.releases[0]
    for file in (state.storage / "releases").glob(f"{release}*"):
        file.unlink()
    found = audited(case_of(state))
    again = check(found, AGAIN)
    assert again.state is CheckState.FAILED
    assert any(release[:12] in text for text in again.found)
    assert "NOT WELL" in headline(found)


def test_a_lost_snapshot_is_a_failure_and_a_pruned_one_is_not_possible(state: StateFolder) -> None:
    next((state.storage / SNAPSHOTS / DAY).glob("*.arrow*")).unlink()
    again = check(audited(case_of(state)), AGAIN)
    assert again.state is CheckState.FAILED
    later = case_of(state, now_ms=NEXT_MORNING_MS + 31 * DAY_MS)
    found = audited(later)
    assert check(found, AGAIN).state is CheckState.NOT_POSSIBLE
    assert "retention" in check(found, AGAIN).text
    assert not found.well


def test_a_day_after_a_death_fails_and_one_before_the_first_row_has_nothing(
    state: StateFolder,
) -> None:
    after = audited(case_of(state, "2026-01-02", NEXT_MORNING_MS + DAY_MS))
    assert not after.well
    assert check(after, "decisions").state is CheckState.FAILED
    assert check(after, AGAIN).state is CheckState.NOTHING
    before = audited(case_of(state, "2025-12-31"))
    assert check(before, "decisions").state is CheckState.NOTHING
    assert before.figures.decisions == 0


def test_a_day_that_is_not_over_is_looked_at_and_said_to_be_none(state: StateFolder) -> None:
    found = audited(case_of(state, DAY, day_start_ms(DAY) + 40_000_000))
    assert not found.over
    assert "not over yet" in headline(found)


def test_an_audit_reads_the_fleets_own_time_whatever_the_machines_clock_says(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine's clock was set back by two days while the fleet ran on."""
    own_ms = NEXT_MORNING_MS + 2 * DAY_MS
    clock = MarketClock(
        anchor_wire_ms=own_ms,
        anchor_market_ms=own_ms,
        anchor_boot_ms=int(actors.clock.boot_ms()),
        anchor_boot_id=actors.clock.boot_id() or "here",
    )
    monkeypatch.setattr(actors.clock, "boot_id", lambda: clock.anchor_boot_id)
    monkeypatch.setattr(actors.clock, "LINE", actors.clock.WireLine())
    config = replace(case_of(state).config, clock=clock)
    LocalStorage(state.storage).write("config/current.json", msgspec.json.encode(config))
    assert run.open_case(state, None, lambda: int(actors.clock.wire_ms())).day == "2026-01-03"


def test_a_day_in_the_future_and_a_folder_without_a_fleet_are_refused(
    state: StateFolder, tmp_path: Path
) -> None:
    with pytest.raises(FleetError, match="not begun: the latest day that is over is 2026-01-01"):
        case_of(state, "2026-01-03")
    with pytest.raises(FleetError, match="there is no fleet"):
        case_of(StateFolder(tmp_path / "empty"))


def test_a_check_that_fails_by_itself_keeps_no_other_from_running(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise FleetError("the venue does not answer")

    monkeypatch.setattr(run, "reconcile", broken)
    found = audited(case_of(state))
    assert check(found, "venue").state is CheckState.NOT_POSSIBLE
    assert check(found, "venue").text == "the venue does not answer"
    assert check(found, AGAIN).state is CheckState.PASSED
    assert not found.well
    assert [one.name for one in found.wrong] == ["venue"]


def test_a_journal_that_is_gone_is_said_by_every_check_that_needs_it(state: StateFolder) -> None:
    shutil.rmtree(state.storage / JOURNAL)
    found = audited(case_of(state))
    assert {one.name for one in found.wrong} >= {"decisions", AGAIN, "record"}
    assert all("journal" in one.text for one in found.wrong)
