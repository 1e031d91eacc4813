"""The [gate] table of the configuration: read, checked, said."""

import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.config import GateMode, Mode
from cluster.config.errors import ConfigError
from cluster.config.load import DEFAULT_FILE, Deployment, build_config
from cluster.gate.settings import config_problems, notice
from signals.market_time import MarketClock
from tests.cluster.gate.builders import URLS, config

KEY = "ab" * 32


def read(text: str) -> object:
    deployment = Deployment(
        storage="/nowhere", clock=MarketClock(), venue=dict.fromkeys(URLS, "http://127.0.0.1:1")
    )
    document = tomllib.loads(Path(DEFAULT_FILE).read_text() + text)
    return build_config("fleet.toml", document, deployment)


def test_the_table_is_read_from_the_file() -> None:
    fleet = read(
        f'\n[gate]\nmode = "closed"\noperator_keys = {{ ann = "{KEY}" }}\n'
        'freeze_utc = ["22:00-06:00"]\nstaged_permille = 100\n'
    )
    assert fleet.gate.mode is GateMode.CLOSED
    assert fleet.gate.operator_keys == {"ann": KEY}
    assert fleet.gate.freeze_utc == ("22:00-06:00",)
    assert not fleet.gate_is_open


def test_without_the_table_the_sandbox_is_open() -> None:
    assert read("").gate_is_open


@pytest.mark.parametrize("line", ['mode = "ajar"', "keys = {}", 'rolls_per_day = "many"'])
def test_a_wrong_key_or_value_is_named(line: str) -> None:
    with pytest.raises(ConfigError, match=r"gate\."):
        read(f"\n[gate]\n{line}\n")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"freeze_utc": ("25:00-26:00",)}, "gate.freeze_utc"),
        ({"operator_keys": {"ann": "short"}}, "gate.operator_keys.ann"),
        ({"operator_keys": {}}, "gate.operator_keys is empty"),
        ({"staged_permille": 0}, "gate.staged_permille"),
        ({"approval_hours": 0.0}, "gate.approval_hours"),
        ({"rolls_per_day": -1}, "gate.rolls_per_day"),
    ],
)
def test_each_problem_names_its_key(changes: dict[str, object], named: str) -> None:
    (problem,) = config_problems(config(**changes).gate, is_open=False)
    assert problem.startswith(named)


def test_the_notice_says_how_the_gate_stands() -> None:
    assert "open (sandbox default)" in notice(config(mode=None))
    live = replace(config(mode=None), mode=Mode.LIVE)
    assert notice(live) == "approval gate: closed; a release needs the approval of alice"
