"""Two rolls and a change of parameters on a real fleet: every trade says its code, and proves it.

The storage that this leaves is then damaged, one bit at a time, and each damage is named.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from checkpoints.journal_days import compact_day, open_days
from checkpoints.storage import LocalStorage
from cluster.replay.ray_rooms import RayRooms
from tests.cluster.audit.losses import LOSSES
from tests.cluster.gate.closed_fleet import clean_tree, commit, git
from tests.rolling_update.fleet import Fleet, running_fleet
from tests.rolling_update.trees import ROOT, release_in

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1800)]
SLOTS = ("btc-5m", "eth-15m")
SPEED = 40
COMMAND_SECONDS = 600.0
FAR = "9999-12-31"
"""A day after all others: whatever was recorded may be closed."""


@dataclass(frozen=True)
class Left:
    """What the fleet left behind, and what was replayed on its Ray head while that was up."""

    state: Path
    commits: dict[str, str]
    """Of the three releases, in the order of their coming."""
    on_ray: dict[str, Any]

    @property
    def releases(self) -> tuple[str, ...]:
        return tuple(self.commits)


def asked(state: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run `python -m cluster WORDS --json` in a fresh process; return exit code and answer."""
    child = subprocess.run(
        [sys.executable, "-m", "cluster", *words, f"--state={state}", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    return child.returncode, json.loads(child.stdout or b"{}")


def subjects(found: dict[str, Any]) -> set[str]:
    return {one["subject"] for one in found["problems"]}


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    folder = tmp_path_factory.mktemp("done")
    with running_fleet(folder, SLOTS, SPEED, prepare=committed) as fleet:
        await_settled(fleet)
        code, output = fleet.command("rolling-update", "params", "--set=sizing.kelly_fraction=0.3")
        assert code == 0, output
        fleet.await_decisions(1)
        number = ("signals/factors/pattern.py", "bars, params.str", "bars, 1.05 * params.str")
        edited = clean_tree(folder / "edited", number)
        roll(fleet, edited)
        comment = ("signals/blend.py", '"""The probability:', '"""The  probability:')
        everything = clean_tree(folder / "everything", comment)
        roll(fleet, everything, "--all")
        await_settled(fleet, release_in(everything))
        _, on_ray = asked(fleet.state.root, "replay", "--in=ray")
    trees = (fleet.tree, edited, everything)
    commits = {release_in(tree): head_of(tree) for tree in trees}
    return Left(state=fleet.state.root, commits=commits, on_ray=on_ray)


def committed(tree: Path) -> None:
    shutil.copy(ROOT / ".gitignore", tree / ".gitignore")
    git(tree, "init", "-q")
    commit(tree)


def head_of(tree: Path) -> str:
    words = ["git", "-C", str(tree), "rev-parse", "HEAD"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def roll(fleet: Fleet, tree: Path, *words: str) -> None:
    report = fleet.roll(tree, "--shadow=0", *words)
    assert report.outcome == "done", report
    fleet.await_decisions(2)


def await_settled(fleet: Fleet, gateway: str | None = None) -> None:
    """Wait until a trade that this gateway signed (None: any) is filled and settled."""

    def settled() -> bool:
        code, found = asked(fleet.state.root, "audit", "trades", "--filled")
        trades = found["trades"] if code == 0 else []
        done = [one for one in trades if one["pnl_micro_usd"] is not None]
        return any(gateway in (None, one["signed_by"]) for one in done)

    fleet.wait(settled, "settled trade", 600.0)


@pytest.fixture
def state(left: Left, tmp_path: Path) -> Path:
    """A copy to damage."""
    shutil.copytree(left.state / "storage", tmp_path / "storage")
    return tmp_path


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)


def test_every_trade_has_the_release_commit_and_parameters_that_decided_it(left: Left) -> None:
    code, found = asked(left.state, "audit", "trades")
    assert code == 0
    assert found["problems"] == []
    assert found["trades"]
    for one in found["trades"]:
        assert one["commit"] == left.commits[one["release"]]
        assert one["signed_by"] in {left.releases[0], left.releases[2]}, "the gateway rolled once"
        assert one["params"]
        assert one["signed_under"] in left.releases
    _, decided = asked(left.state, "audit", "releases")
    assert {one["release"] for one in decided["releases"]} == set(left.releases)
    assert len({tag for one in decided["releases"] for tag in one["params"]}) == 2


def test_the_whole_record_of_a_fleet_that_was_rolled_twice_is_complete(left: Left) -> None:
    code, found = asked(left.state, "audit", "check")
    assert found["problems"] == []
    assert code == 0


@pytest.mark.parametrize("name", ["last_three_flushes", "a_checkpoint", "a_payload_rewritten"])
def test_a_loss_that_no_single_file_shows_is_named(state: Path, name: str) -> None:
    lose, begins = LOSSES[name]
    lose(state / "storage", SLOTS[0])
    code, found = asked(state, "audit", "check")
    assert code == 1
    named = [f"{one['subject']}: {one['reason']}" for one in found["problems"]]
    assert any(text.startswith(begins.format(slot=SLOTS[0])) for text in named), named


def test_the_first_trades_chain_is_whole_and_each_line_says_who_did_it(left: Left) -> None:
    _, found = asked(left.state, "audit", "trades", "--filled")
    first = next(one for one in found["trades"] if one["pnl_micro_usd"] is not None)
    code, chain = asked(left.state, "audit", "trade", first["intent_id"])
    assert code == 0
    assert chain["problems"] == []
    steps = [line["step"] for line in chain["lines"]]
    assert steps[:9] == ["snapshot", *["factor"] * 5, "decision", "intent", "risk"]
    assert {"order", "fill", "settlement", "p&l"} <= set(steps)
    assert all(line["commit"] == left.commits[line["release"]] for line in chain["lines"])
    assert {line["actor"] for line in chain["lines"]} == {"market data", "slot", "gateway"}
    assert all(one["age_ms"] is not None for one in chain["inputs"])


def test_a_position_opened_by_one_release_and_settled_under_another_shows_both(left: Left) -> None:
    _, found = asked(left.state, "audit", "trades", "--filled")
    carried = [
        one for one in found["trades"] if one["settled_release"] not in (None, one["release"])
    ]
    for one in carried[:1]:  # which trades are open at a switch is the market's choice
        _, chain = asked(left.state, "audit", "trade", one["order_id"])
        assert {one["release"], one["settled_release"]} <= set(chain["releases"])


def test_all_decisions_of_all_releases_are_made_again_on_ray_and_in_fresh_processes(
    left: Left,
) -> None:
    code, found = asked(left.state, "replay", "--in=processes")
    assert code == 0
    for replayed in (left.on_ray, found):
        assert replayed["identical_share"] == 1.0, replayed["differing"]
        assert replayed["all_identical"], replayed["problems"]
        assert {one["release"] for one in replayed["releases"]} == set(left.releases)
        assert all(one["identical"] == one["made"] > 0 for one in replayed["releases"])
    assert left.on_ray["ran_in"] == RayRooms.kind


def test_a_flipped_bit_in_an_archived_release_is_named(left: Left, state: Path) -> None:
    flip(state / f"storage/releases/{left.releases[1]}.zip")
    code, found = asked(state, "replay")
    assert code == 1
    assert subjects(found) == {f"release {left.releases[1]}"}
    assert found["identical"] == found["made"] > 0


def test_a_flipped_bit_in_a_snapshot_is_named(state: Path) -> None:
    _, trades = asked(state, "audit", "trades")
    digest = trades["trades"][0]["snapshot"]
    (file,) = (state / "storage/snapshots").rglob(f"{digest}.arrow*")
    flip(file)
    code, found = asked(state, "replay")
    assert code == 1
    assert subjects(found) == {f"snapshot {digest}"}
    assert found["identical"] == found["made"] > 0
    code, chain = asked(state, "audit", "trade", trades["trades"][0]["order_id"])
    assert subjects(chain) == {f"snapshot {digest}"}
    assert chain["lines"]


def test_a_flipped_bit_in_a_journal_row_is_named(state: Path) -> None:
    rows = sorted((state / "storage/journal").rglob("btc-5m/*.arrow"))
    file = rows[len(rows) // 2]
    flip(file)
    name = str(file.relative_to(state / "storage"))
    code, found = asked(state, "replay")
    assert code == 1
    assert name in subjects(found)
    assert found["identical"] == found["made"] > 0
    assert name in subjects(asked(state, "audit", "trades")[1])


def test_a_flipped_bit_in_a_closed_day_is_named(left: Left, state: Path) -> None:
    storage = LocalStorage(state / "storage")
    before = asked(left.state, "audit", "trades")[1]["trades"]
    days = open_days(storage)
    for day in days:
        assert compact_day(storage, day, FAR).damaged == ()
    assert asked(state, "audit", "trades")[1]["trades"] == before
    code, found = asked(state, "replay")
    assert (code, found["all_identical"]) == (0, True)
    flip(state / f"storage/journal/{days[0]}.parquet")
    code, found = asked(state, "audit", "trades")
    assert f"journal/{days[0]}.parquet" in subjects(found)
    child = subprocess.run(
        [sys.executable, "-m", "cluster", "replay", f"--state={state}", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert child.returncode == 1
    assert f"journal/{days[0]}.parquet" in child.stdout + child.stderr
    assert "Traceback" not in child.stderr
