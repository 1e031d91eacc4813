"""One table: twelve bad releases, twelve clean outcomes (`pytest -s tests/bad_releases`)."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from checkpoints.archive import archive_release
from checkpoints.journal_rows import JournalRow
from tests.bad_releases.drive import Order, Orders, Outcome
from tests.bad_releases.releases import TWELVE, BadRelease
from tests.rolling_update.fleet import FOUR, LATE_KINDS, Fleet, running_fleet
from tests.rolling_update.trees import ROOT, copy_tree, release_in

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1800)]

BACK = "back to the old one"
JOB_SECONDS = 1_400.0
STRATEGY_ERROR = "strategy_error"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("bad")) as running:
        running.await_decisions(2)
        yield running


def archived(fleet: Fleet, bad: BadRelease, folder: Path) -> str:
    tree = copy_tree(folder)
    bad.make(tree)
    release = archive_release(fleet.storage, tree, "bad").release
    shutil.rmtree(tree)
    return release


def orders(fleet: Fleet, old: str, folder: Path) -> Iterator[Order]:
    for place, bad in enumerate(TWELVE):
        release = archived(fleet, bad, folder / str(place))
        yield Order(name=bad.name, release=release, slots=bad.slots, canary=bad.canary, back=False)
        if bad.switched and bad is not TWELVE[-1]:
            yield Order(name=BACK, release=old, slots=(), canary=None, back=True)


def drive(fleet: Fleet, old: str, folder: Path) -> list[Outcome]:
    shutil.copy(ROOT / "tests/bad_releases/drive.py", fleet.tree / "drive_many.py")
    asked = Orders(
        storage=str(fleet.state.storage),
        orders=tuple(orders(fleet, old, folder / "releases")),
        late_kinds=LATE_KINDS,
    )
    (fleet.tree / "orders.json").write_bytes(msgspec.json.encode(asked))
    said = fleet.job(fleet.tree, "drive_many.py", "orders.json", seconds=JOB_SECONDS)
    found = [line.partition("OUTCOME ")[2] for line in said.splitlines() if "OUTCOME " in line]
    outcomes = [msgspec.json.decode(line, type=Outcome) for line in found]
    assert len(outcomes) == len(asked.orders), said
    return outcomes


def made_since(fleet: Fleet, slot: str, began_ms: float, ended_ms: float) -> list[JournalRow]:
    rows = fleet.decisions(slot)
    return [row for row in rows if began_ms <= row.wire_ms <= ended_ms]


def not_late(alarms: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(alarm for alarm in alarms if alarm.partition(":")[0] not in LATE_KINDS)


def line(bad: BadRelease, outcome: Outcome, alarms: tuple[str, ...], owner: str) -> str:
    seconds = (outcome.ended_wire_ms - outcome.began_wire_ms) / 1000
    return f"{bad.name:<40} {seconds:5.1f} s  {owner:<8} {len(alarms)} alarm: {alarms[0][:110]}"


def test_twelve_bad_releases_have_twelve_clean_outcomes(fleet: Fleet, tmp_path: Path) -> None:
    old = release_in(fleet.tree)
    outcomes = {o.name: o for o in drive(fleet, old, tmp_path) if o.name != BACK}
    fleet.wait(
        lambda: fleet.owner("btc-5m").release == old and bool(fleet.alarms()),
        "way back of the release that turned bad late",
    )
    fleet.await_decisions(1)
    late = tuple(f"{s.alarm.kind}: {s.alarm.evidence.get('reason', '')}" for s in fleet.alarms())
    assert not_late(outcomes[TWELVE[-1].name].alarms) == ()
    table = []
    for bad in TWELVE:
        outcome = outcomes[bad.name]
        alarms = not_late(outcome.alarms) or late
        assert len(alarms) == 1, (bad.name, alarms)
        assert bad.caught in alarms[0], (bad.name, alarms)
        assert outcome.switched == bad.switched, (bad.name, outcome)
        table.append(line(bad, outcome, alarms, f"{outcome.switched} new"))
    assert fleet.releases() == {old}
    failed = [
        (slot, row.due_ms, row.reason)
        for slot in FOUR
        for row in fleet.decisions(slot)
        if (row.reason or "").startswith(STRATEGY_ERROR)
        and row.wire_ms < outcomes[TWELVE[-1].name].began_wire_ms
    ]
    assert failed == [], "every decision of the eleven others was made by a good release"
    verdict = fleet.verdict()
    assert verdict.missed == 0, verdict.missed_points
    assert verdict.differences == []
    print("\n" + "\n".join(table))
    print(f"decisions {verdict.decisions}, missed {verdict.missed}, differences 0")
