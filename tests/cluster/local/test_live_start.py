"""A live start beside the sandbox up to Ray's head: gate, account, confirmation, climb; no Ray."""

import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from actors.live.climb_state import Phase
from actors.live.climb_store import climb_orders, last_climb
from actors.live.confirmation import end, in_force
from actors.live.guard import start_of
from actors.live.refusals import exact_refusal
from actors.runtime import load_config
from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from cluster.commands import gate
from cluster.config.offline import read_beside_stand_ins
from cluster.errors import ClusterError
from cluster.gate.keys import make_key
from cluster.local.ending import end_fleet
from cluster.local.jobs import WORKING_TREE, packed_tree
from cluster.local.live_start import start_live
from cluster.local.sandbox_process import SandboxOptions, read_ready
from cluster.local.state_folder import StateFolder
from cluster.local.venue_up import venue_up
from cluster.terminal.console import screen
from cluster.terminal.interrupts import Interrupts
from tests.cluster.live_fleet import SLOTS, live_text

pytestmark = [pytest.mark.exchange, pytest.mark.timeout(900)]
TEXT = re.compile(r"--confirm '([^']+)'")


@dataclass(frozen=True)
class Ladder:
    state: StateFolder
    config: Path
    key: Path

    @property
    def storage(self) -> LocalStorage:
        return LocalStorage(self.state.storage)

    def begin(self, given: str | None = None) -> None:
        start_live(self.state, self.config, given, screen(stderr=True))

    def refused(self, given: str | None = None) -> str:
        with pytest.raises(ClusterError) as caught:
            self.begin(given)
        return str(caught.value)

    def text(self) -> str:
        """Return what a refused start says must be typed."""
        found = TEXT.search(self.refused())
        assert found is not None
        return found[1]

    def change(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    def let_in(self) -> None:
        state = ["--state", str(self.state.root)]
        assert run(["gate", "first", *state]) == 0
        plans = sorted((self.state.storage / "gate" / "plans").iterdir(), key=_age)
        plan = plans[-1].stem
        assert run(["gate", "approve", plan, "--key", str(self.key), "--yes", *state]) == 0
        assert run(["gate", "first", "--apply", plan, *state]) == 0

    def launch_refused(self) -> str | None:
        """Return why a launch that somebody submits by hand would be refused."""
        release = packed_tree(self.state, ["launch"]).rpartition("/")[2].removesuffix(".zip")
        return exact_refusal(start_of(load_config(str(self.state.storage)), release))


def _age(file: Path) -> int:
    return file.stat().st_mtime_ns


@pytest.fixture
def ladder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ladder]:
    monkeypatch.setattr(gate, "git_commit", lambda: "c" * 40)  # this tree may be edited meanwhile
    state, config, key = StateFolder(tmp_path / "s"), tmp_path / "live.toml", tmp_path / "key"
    config.write_text(live_text(WORKING_TREE, make_key(key), SLOTS))
    state.prepare()
    beside = SandboxOptions(speed=1, wall_clock=True, exchanges=True)
    try:
        assert venue_up(state, read_beside_stand_ins(config), beside, None, screen(stderr=True))
        yield Ladder(state, config, key)
    finally:
        end_fleet(state, Interrupts(), lambda _text: None)


def test_the_ladder_is_climbed_step_by_step_and_every_change_asks_again(ladder: Ladder) -> None:
    said = ladder.refused()
    assert "no plan that was applied covers release" in said
    assert "risk.fleet_exposure_micro_usd not approved -> 50000000" in said
    ladder.let_in()
    assert "nobody has confirmed" in str(ladder.launch_refused()), "not by hand either"
    text = ladder.text()
    assert "not confirmed" in ladder.refused(f"{text[:-1]}!")
    assert last_climb(ladder.storage) is None, "nothing was placed before"

    ladder.begin(text)
    climbed = last_climb(ladder.storage)
    assert climbed is not None
    assert climbed.phase is Phase.DONE
    assert climbed.cost_micro_usd <= climbed.bought_micro_usd
    assert ladder.launch_refused() is None

    end(ladder.storage)  # a person stops it
    assert "nobody has confirmed" in str(ladder.launch_refused())
    ladder.begin(text)
    assert last_climb(ladder.storage) == climbed, "within a day it is not climbed again"
    end(ladder.storage)

    ladder.change("fleet_exposure_micro_usd = 50_000_000", "fleet_exposure_micro_usd = 60_000_000")
    assert "risk.fleet_exposure_micro_usd 50000000 -> 60000000" in ladder.refused(text)
    ladder.let_in()
    assert "not confirmed" in ladder.refused(text), "typed for lower limits"
    ladder.begin(ladder.text())
    confirmed = in_force(ladder.storage)
    assert confirmed is not None
    assert not isinstance(confirmed, str)
    assert confirmed.risked.limits.fleet_exposure_micro_usd == 60_000_000
    assert len(climb_orders(ladder.storage)) == len(climbed.orders)

    stored = ladder.state.storage / "config" / "current.json"
    edited = stored.read_bytes().replace(b"60000000", b"90000000")
    stored.write_bytes(edited)
    assert "risk.fleet_exposure_micro_usd 60000000 -> 90000000" in str(ladder.launch_refused())


def test_a_key_that_may_have_money_is_refused_in_a_rehearsal(ladder: Ladder) -> None:
    ladder.refused()
    ladder.let_in()
    Path(ladder.state.private_key).write_text("0x" + "11" * 32)
    assert "throw-away key that it makes itself" in ladder.refused()
    assert in_force(ladder.storage) is None


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ({"kind": "closed_only"}, "closed-only mode"),
    ],
)
def test_an_account_that_is_not_as_it_should_be_refuses_before_it_is_confirmed(
    ladder: Ladder, trouble: dict[str, object], says: str
) -> None:
    ladder.refused()
    ladder.let_in()
    text = ladder.text()
    url = read_ready(ladder.state.sandbox_ready).urls["admin_url"]
    body = json.dumps({"route": "*", **trouble}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/faults", data=body), timeout=60):
        pass
    assert says in ladder.refused(text)
    assert in_force(ladder.storage) is None
    assert last_climb(ladder.storage) is None
