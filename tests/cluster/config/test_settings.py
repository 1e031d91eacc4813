"""An edited configuration: what comes with a roll, what needs a restart, what a start keeps."""

from pathlib import Path

import msgspec
import pytest

from actors.config import SETTINGS_FILE, FleetConfig, SlotConfig, SlotSettings
from actors.detectors.params import ExpectedParams
from actors.detectors.watch import ParamsSet
from actors.rollout.plan import Plan
from actors.slot import start
from checkpoints.archive import archive_release, load_archive
from checkpoints.storage import LocalStorage
from cluster.config.load import read_config
from cluster.config.settings import (
    compare,
    deployment_of,
    extra_files,
    in_force,
    note_source,
    source_of,
)
from cluster.errors import FleetError
from cluster.gate.differences import files_in
from cluster.local.launch import Launched, config_in_force, launched_lines
from cluster.rolling_update.page import plan_lines
from signals.params import override, params_id
from tests.cluster.audit.complete_record import make_config
from tests.rolling_update.trees import ROOT

PLAN = Plan(
    to_release="ab" * 32,
    commit="c0ffee",
    from_releases={"cd" * 32: ("btc-5m",)},
    files=(),
    change_class="signal",
    schema="unchanged",
    dependencies="unchanged",
    order=("btc-5m",),
    first_due_ms={},
    stays=(),
    refusals=(),
)


@pytest.fixture
def running(tmp_path: Path) -> FleetConfig:
    return make_config(tmp_path / "storage")


def with_strategy(config: FleetConfig, strategy: str) -> FleetConfig:
    first = msgspec.structs.replace(config.slots[0], strategy=strategy)
    return msgspec.structs.replace(config, slots=(first, *config.slots[1:]))


def test_an_unchanged_file_adds_nothing_to_a_release(running: FleetConfig) -> None:
    found = compare(running, running, "x.toml")
    assert extra_files(found) == {}
    assert found.with_roll == found.with_restart == ()


def test_what_a_slot_decides_by_comes_with_the_roll_and_the_rest_needs_a_restart(
    running: FleetConfig,
) -> None:
    wanted = with_strategy(running, "late_favourite")
    wanted = msgspec.structs.replace(
        wanted,
        risk=msgspec.structs.replace(running.risk, orders_per_minute=7),
        params_set={"blend.mid": 0.25},
    )
    found = compare(running, wanted, "x.toml")
    assert found.with_roll == (
        "params.blend.mid unset -> 0.25",
        "btc-5m.strategy five_factor -> late_favourite",
    )
    assert found.with_restart == ("risk.orders_per_minute 120 -> 7",)
    settings = msgspec.json.decode(extra_files(found)[SETTINGS_FILE], type=SlotSettings)
    under = running.under(settings)
    assert under.slot("btc-5m").strategy == "late_favourite"
    assert under.params_set == {"blend.mid": 0.25}
    assert under.risk == running.risk


def test_a_new_slot_and_one_that_went_need_a_restart(running: FleetConfig) -> None:
    slots = (running.slots[0], SlotConfig(slot="sol-5m"))
    found = compare(running, msgspec.structs.replace(running, slots=slots), "x.toml")
    assert found.with_restart == ("slot sol-5m is new", "slot eth-5m is gone")
    assert found.settings is None


def test_the_plans_page_says_what_comes_and_what_does_not() -> None:
    plan = msgspec.structs.replace(
        PLAN,
        config_file="fleet.toml",
        config_with_roll=("btc-5m.strategy five_factor -> mine",),
        config_with_restart=("risk.orders_per_minute 120 -> 7",),
    )
    page = "\n".join(plan_lines(plan))
    assert "configuration fleet.toml:" in page
    assert "comes with this roll: btc-5m.strategy five_factor -> mine" in page
    assert "needs a restart (stop, then run): risk.orders_per_minute 120 -> 7" in page
    assert "configuration" not in "\n".join(plan_lines(PLAN))


def test_a_start_keeps_what_slots_that_lived_decide_by(
    running: FleetConfig, tmp_path: Path
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    wanted = with_strategy(running, "late_favourite")
    assert config_in_force(storage, running, fleet_lives=False) == running
    assert config_in_force(storage, wanted, fleet_lives=False) == wanted, "it never lived"
    config_in_force(storage, running, fleet_lives=False)
    storage.write("journal/2026-01-01/btc-5m/000000000001-00000001.arrow", b"")
    limits = msgspec.structs.replace(running.risk, orders_per_minute=7)
    wanted = msgspec.structs.replace(wanted, risk=limits)
    found = config_in_force(storage, wanted, fleet_lives=False)
    assert found.slots == running.slots
    assert found.risk.orders_per_minute == 7
    assert compare(found, wanted, "x").with_roll == (
        "btc-5m.strategy five_factor -> late_favourite",
    )


def test_the_file_of_the_start_is_found_again_and_in_another_tree_its_namesake(
    tmp_path: Path,
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    assert source_of(storage, ROOT) is None
    own = tmp_path / "mine.toml"
    own.write_text("")
    note_source(storage, own)
    assert source_of(storage, ROOT) == own
    own.unlink()
    with pytest.raises(FleetError, match=r"mine\.toml, the configuration .* is gone"):
        source_of(storage, ROOT)
    note_source(storage, tmp_path / "other/cluster/configs/sandbox.toml")
    assert source_of(storage, ROOT) == ROOT / "cluster/configs/sandbox.toml"


def test_a_file_is_read_as_the_running_fleet_would_read_it(running: FleetConfig) -> None:
    found = read_config(ROOT / "cluster/configs/sandbox.toml", deployment_of(running))
    assert (found.venue, found.clock, found.storage) == (
        running.venue,
        running.clock,
        running.storage,
    )


def test_settings_are_part_of_the_release_and_its_parameters_are_expected(
    running: FleetConfig, tmp_path: Path
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    wanted = msgspec.structs.replace(running, params_set={"blend.mid": 0.25})
    extra = extra_files(compare(running, wanted, "x"))
    plain = archive_release(storage, ROOT, "c0ffee").release
    edited = archive_release(storage, ROOT, "c0ffee", extra).release
    assert plain != edited
    assert files_in(load_archive(storage, edited).data)[SETTINGS_FILE] == extra[SETTINGS_FILE]
    base = start.load_params((ROOT / "signals/params.toml").read_text())
    expected = ExpectedParams(storage, running, plain)
    known = ParamsSet(changes={}, id="", since_ms=0)
    found = [expected.of("btc-5m", release, known) for release in (plain, edited)]
    assert found == [params_id(running.params), params_id(override(base, {"blend.mid": 0.25}))]


def test_a_slot_starts_under_its_releases_own_settings(
    running: FleetConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = with_strategy(running, "late_favourite")
    file = tmp_path / "slot_settings.json"
    monkeypatch.setattr(start, "OWN_SETTINGS", file)
    assert start.with_own_settings(running) == running
    file.write_bytes(extra_files(compare(running, wanted, "x"))[SETTINGS_FILE])
    assert start.with_own_settings(running).slot("btc-5m").strategy == "late_favourite"


def test_what_comes_is_said_against_what_the_slots_run_under(
    running: FleetConfig, tmp_path: Path
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    edited = with_strategy(running, "late_favourite")
    extra = extra_files(compare(running, edited, "x"))
    release = archive_release(storage, ROOT, "c0ffee", extra).release
    shown = in_force(storage, running, release)
    assert shown.slots == edited.slots
    again = compare(running, edited, "x", shown)
    assert again.with_roll == ()
    assert extra_files(again) == extra, "it stays part of the release"
    back = compare(running, running, "x", shown)
    assert back.with_roll == ("btc-5m.strategy late_favourite -> five_factor",)
    assert extra_files(back) == {}


def test_a_slot_that_the_file_adds_needs_a_restart_and_the_plan_says_so(
    running: FleetConfig, tmp_path: Path
) -> None:
    names = [slot.slot for slot in running.slots]
    file = tmp_path / "more.toml"
    slots = "".join(f"{name} = {{}}\n" for name in [*names, "btc-4h", "ton-15m"])
    file.write_text(f'mode = "sandbox"\n[venue]\nmore_assets = ["ton"]\n[slots]\n{slots}')
    wanted = read_config(file, deployment_of(running))
    found = compare(running, msgspec.structs.replace(wanted, params_set=None), str(file))
    assert [line for line in found.with_restart if line.startswith("slot ")] == [
        "slot btc-4h is new",
        "slot ton-15m is new",
    ]
    assert {slot.slot for slot in (found.settings or NONE).slots} <= set(names)
    plan = msgspec.structs.replace(
        PLAN, config_file=str(file), config_with_restart=found.with_restart
    )
    text = "\n".join(plan_lines(plan))
    assert "slot ton-15m is new" in text
    assert "stop" in text, "it says how a restart is made"


NONE = SlotSettings(slots=())


def launched(runs: dict[str, tuple[str, ...]], tree: str) -> list[str]:
    done = Launched(
        config="c", release="t" * 64, created=("gateway/1",), found=(), slots=2, runs=runs,
        tree=tree, with_roll=("btc-5m.strategy a -> b",),
    )  # fmt: skip
    return list(launched_lines(done))


def test_a_start_says_what_really_runs() -> None:
    assert launched({"t" * 64: ("btc-5m", "eth-5m")}, "t" * 64) == [
        "2 slots live on release tttttttttttt"
    ]
    assert launched({"a" * 64: ("btc-5m", "eth-5m")}, "t" * 64) == [
        "2 slots live on release aaaaaaaaaaaa",
        "gateway/1 run release tttttttttttt (this tree's code)",
        "this tree is release tttttttttttt; `midstride update` brings it into the slots",
        "  the configuration's btc-5m.strategy a -> b is in force after `midstride update`",
    ]
    mixed = launched({"a" * 64: ("btc-5m",), "t" * 64: ("eth-5m",)}, "t" * 64)
    assert mixed[:2] == [
        "1 slot live on release aaaaaaaaaaaa: btc-5m",
        "1 slot live on release tttttttttttt: eth-5m",
    ]
    assert "`midstride rolling-update resume` goes on with it" in mixed[2]
