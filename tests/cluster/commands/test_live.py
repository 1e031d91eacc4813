"""`midstride live`: a person's own configuration, and what it refuses."""

import tomllib
from pathlib import Path

import pytest

from actors.config import Mode, RiskLimits
from cluster.__main__ import run
from cluster.config.live import Owner, live_text
from cluster.config.offline import read_beside_stand_ins, read_offline
from cluster.gate.keys import make_key
from cluster.local.modes import LIVE_FILE

WALLET = "0x" + "Ab" * 20
USD = 1_000_000


def test_a_new_live_configuration_has_the_first_limits_and_no_key(tmp_path: Path) -> None:
    key, out = tmp_path / "operator.key", tmp_path / "my-live.toml"
    public = make_key(key)
    words = ["live", "new", "--out", str(out), "--operator-key", str(key)]
    assert run([*words, "--wallet", WALLET, "--key-file", str(tmp_path / "key")]) == 0
    fleet, _ = read_offline(out)
    assert fleet.mode is Mode.LIVE
    assert not fleet.gate_is_open
    assert list(fleet.gate.operator_keys.values()) == [public]
    assert (fleet.venue.wallet, fleet.venue.private_key_file) == (WALLET, str(tmp_path / "key"))
    risk = fleet.risk
    assert risk.order_micro_usd == 5 * USD
    assert risk.fleet_exposure_micro_usd == 50 * USD
    assert risk.daily_loss_micro_usd == 20 * USD
    assert risk.slot_exposure_micro_usd <= risk.fleet_exposure_micro_usd
    assert fleet.params.sizing.market_usd_max * USD <= risk.order_micro_usd
    assert key.read_text().strip() not in out.read_text()
    assert run([*words]) == 1, "it is never overwritten"


def test_every_url_of_the_shipped_file_is_left_behind_in_a_rehearsal(tmp_path: Path) -> None:
    owner = Owner(name='a"b', operator_public_key="c" * 64, wallet=WALLET, key_file="/real/key")
    file = tmp_path / "live.toml"
    file.write_text(live_text(LIVE_FILE.read_text(), owner))
    real = tomllib.loads(file.read_text())["venue"]
    assert real["region_url"].startswith("https://")
    rehearsed = read_beside_stand_ins(file).venue
    for field in rehearsed.__struct_fields__:
        value = str(getattr(rehearsed, field))
        assert "polymarket.com" not in value
        assert "/real/key" not in value
    assert rehearsed.wallet is None
    assert rehearsed.private_key_file is rehearsed.private_key_env is None


@pytest.mark.parametrize("words", [["check"], ["keys", "--yes"], ["refresh"]])
def test_what_asks_the_account_wants_a_live_file(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sandbox.toml"
    file.write_text('mode = "sandbox"')
    state = ["--state", str(tmp_path / "s")]
    assert run(["live", *words, "--config", str(file), *state]) == 1
    assert "is of mode sandbox, not live" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["check"], ["keys", "--yes"], ["refresh"]])
def test_a_file_with_an_address_on_this_machine_signs_no_login(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = Owner(
        name="a", operator_public_key="c" * 64, wallet=WALLET, key_file=str(tmp_path / "key")
    )
    text = live_text(LIVE_FILE.read_text(), owner)
    file = tmp_path / "mixed.toml"
    file.write_text(text.replace("https://clob.polymarket.com", "http://127.0.0.1:9"))
    state = ["--state", str(tmp_path / "s")]
    assert run(["live", *words, "--config", str(file), *state]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "venue.clob_url is on this machine" in said


def test_show_says_that_no_live_fleet_was_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["live", "show", "--state", str(tmp_path / "s")]) == 1
    assert "no fleet was started" in capsys.readouterr().err


def test_the_first_limits_are_below_the_defaults() -> None:
    shipped = tomllib.loads(LIVE_FILE.read_text())["risk"]
    defaults = RiskLimits()
    for name, value in shipped.items():
        assert value <= getattr(defaults, name), name
