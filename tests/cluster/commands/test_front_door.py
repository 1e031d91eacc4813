import json
from pathlib import Path

import pytest

from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage
from cluster.__main__ import COMMANDS, run
from cluster.local.bring_up import took
from cluster.local.doctor import check_python


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    pending = [[name] for name in COMMANDS]
    explained = 0
    while pending:
        words = pending.pop()
        assert run([*words, "--help"]) == 0
        text = capsys.readouterr().out
        assert f"Usage: midstride {' '.join(words)}" in text
        _, _, below = text.partition("\nCommands:\n")
        listed = below.partition("\n\n")[0].splitlines()
        pending += [[*words, line.split()[0]] for line in listed if line[2:3].strip()]
        explained += 1
    assert explained > len(COMMANDS), "and what stands below them"


def test_an_unknown_command_and_a_bad_option_are_usage_errors() -> None:
    assert run(["nonsense"]) == 2
    assert run(["run", "--speed", "0"]) == 2


def test_a_fleet_that_does_not_run_is_a_failure_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["status"], ["trading", "reduce"], ["audit", "reconcile"]):
        assert run([*command, "--state", str(tmp_path / "none")]) == 1
        assert str(tmp_path / "none") in capsys.readouterr().err


def test_live_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "live.toml"
    file.write_text('mode = "live"')
    state = ["--state", str(tmp_path / "s")]
    assert run(["run", "--config", str(file), *state]) == 2
    assert "is of mode live, --mode says sandbox" in capsys.readouterr().err
    assert run(["run", "--mode", "live", *state]) == 1
    assert "live trading needs a key" in capsys.readouterr().err, "the shipped file, as it is"
    assert run(["run", "--confirm", "words", *state]) == 2
    assert "--confirm is for --mode live" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_an_alarm_stays_until_a_person_clears_it_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state", str(tmp_path)]
    store = AlarmStore(LocalStorage(tmp_path / "storage"))
    alarm = Alarm(
        kind="silent",
        subject="btc-5m",
        severity=Severity.WARNING,
        action="look",
        raised_wire_ms=1,
    )
    identity = store.raise_alarm(alarm).alarm.id
    assert run(["alarms", "list", "--json", *state]) == 0
    assert json.loads(capsys.readouterr().out)["alarms"][0]["alarm"]["id"] == identity
    assert run(["alarms", "clear", identity, *state]) == 2
    assert run(["alarms", "clear", identity, "--reason", " ", *state]) == 2
    assert run(["alarms", "clear", "nothing.1", "--reason", "x", *state]) == 1
    assert run(["alarms", "clear", identity, "--reason", "seen", *state]) == 0
    capsys.readouterr()
    assert run(["alarms", "list", "--json", *state]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "alarms": []}


def test_an_old_python_is_named_with_what_to_do() -> None:
    assert "PYTHON=python3.11" in check_python((3, 10)).detail


def test_a_start_says_how_long_its_parts_took() -> None:
    assert took(10.0, 12.0, 20.0, 41.4) == (
        "all slots live 31 s after the start: exchange 2 s, Ray 8 s, slots 21 s"
    )
