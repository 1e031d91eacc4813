"""`config show` names the source of each value; `config new` writes a file that is valid."""

import json
import tomllib
from pathlib import Path

import pytest

from cluster.__main__ import run
from cluster.commands import strategies
from cluster.config.load import DEFAULT_FILE

QUICK = ["--assets", "btc,eth", "--timeframes", "5m", "--strategy", "five_factor"]
MONEY = ["--slot-usd", "40", "--daily-loss-usd", "7"]


def settings(
    capsys: pytest.CaptureFixture[str], config: Path, *words: str
) -> dict[str, tuple[object, str]]:
    assert run(["config", "show", "--config", str(config), "--json", *words]) == 0
    found = json.loads(capsys.readouterr().out)["settings"]
    return {one["key"]: (one["value"], one["source"]) for one in found}


def test_every_value_names_its_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "f.toml"
    file.write_text(
        'mode = "sandbox"\n[timing]\nheartbeat_seconds = 4.0\n'
        "[slot_defaults]\nallocation_micro_usd = 5_000_000\n"
        '[slots]\nbtc-5m = {strategy = "late_favourite"}\n'
        "[params.blend]\nmid = 0.5\n"
    )
    found = settings(capsys, file)
    assert found["timing.heartbeat_seconds"] == (4.0, "file")
    assert found["timing.post_timeout_seconds"][1] == "default"
    assert found["params.blend.mid"] == (0.5, "file")
    assert found["params.blend.fair"][1] == "release"
    assert found["slots.btc-5m.strategy"] == ("late_favourite", "file")
    assert found["slots.btc-5m.allocation_micro_usd"] == (5_000_000, "slot_defaults")
    assert found["slots.btc-5m.params"][1] == "default"


def test_what_may_hold_a_token_is_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.toml"
    file.write_text('mode = "sandbox"\n[alarms]\nwebhook_url = "https://x.example/token-123"\n')
    assert run(["config", "show", "--config", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "token-123" not in shown
    assert "set, not shown" in shown
    shipped = DEFAULT_FILE.with_name("paper.toml").read_text()
    node = '[venue]\nrpc_url = "https://node.example/token-123"'
    assert "[venue]" in shipped
    file.write_text(shipped.replace("[venue]", node, 1))
    assert run(["config", "show", "--config", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "token-123" not in shown
    assert "venue.rpc_url" in shown


def test_show_lists_every_key_of_the_shipped_file(capsys: pytest.CaptureFixture[str]) -> None:
    found = settings(capsys, DEFAULT_FILE)
    document = tomllib.loads(DEFAULT_FILE.read_text())
    for table in ("risk", "timing", "policy", "labels"):
        for key in document[table]:
            assert found[f"{table}.{key}"][1] == "file"


def test_a_new_configuration_passes_the_check_and_is_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.toml"
    assert run(["config", "new", "--out", str(out), *QUICK, *MONEY]) == 0
    assert run(["config", "check", "--config", str(out)]) == 0
    assert "2 slots" in capsys.readouterr().err
    document = tomllib.loads(out.read_text())
    assert set(document["slots"]) == {"btc-5m", "eth-5m"}
    assert document["risk"]["fleet_exposure_micro_usd"] == 80_000_000
    assert run(["config", "new", "--out", str(out), *QUICK, *MONEY]) == 1


def test_a_wrong_answer_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "mine.toml"
    words = ["config", "new", "--out", str(out)]
    assert run([*words, "--assets", "btc,dog", "--timeframes", "5m", *MONEY]) == 2
    assert run([*words, *QUICK[:4], "--strategy", "nope", *MONEY]) == 2
    assert not out.exists()


def test_a_new_strategy_is_written_once_and_can_be_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(strategies, "FOLDER", tmp_path)
    assert run(["strategies", "new", "my_signal"]) == 0
    text = (tmp_path / "my_signal.py").read_text()
    compile(text, "my_signal.py", "exec")
    assert run(["strategies", "new", "my_signal"]) == 1
    for name in ("My", "../x", "1a", ""):
        assert run(["strategies", "new", name]) == 1
    capsys.readouterr()
    assert [file.name for file in tmp_path.iterdir()] == ["my_signal.py"]


def test_strategies_are_listed_with_what_they_say_of_themselves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["strategies", "list", "--state", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "five_factor" in shown
    assert "late_favourite" in shown
