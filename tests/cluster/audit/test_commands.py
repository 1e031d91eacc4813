"""The commands as an operator uses them: JSON on stdout, refusals on stderr, files named."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from signals.market import Outcome
from tests.cluster.audit.builders import GATEWAY, MARKET_DATA, Story, archive_tree

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    storage = LocalStorage(tmp_path / "storage")
    story = Story(storage, archive_tree(storage))
    story.trade(Outcome.UP)
    story.trade(Outcome.DOWN)
    return tmp_path


def asked(capsys: Capture, state: Path, *arguments: str) -> tuple[int, dict[str, object]]:
    code = run([*arguments, "--state", str(state), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_every_trade_has_release_commit_and_params(state: Path, capsys: Capture) -> None:
    code, found = asked(capsys, state, "audit", "trades")
    assert code == 0
    trades = found["trades"]
    assert isinstance(trades, list)
    assert len(trades) == 2
    assert all(one["release"] and one["commit"] and one["params"] for one in trades)
    code, chain = asked(capsys, state, "audit", "trade", trades[0]["order_id"])
    assert code == 0
    assert chain["releases"] == [MARKET_DATA, trades[0]["release"], GATEWAY]


@pytest.mark.parametrize("command", ["trades", "releases", "windows"])
def test_tables_become_parquet(state: Path, command: str, capsys: Capture) -> None:
    file = state / "out.parquet"
    assert run(["audit", command, "--state", str(state), "--parquet", str(file)]) == 0
    assert pq.read_table(file).num_rows > 0
    assert f" in {file}" in capsys.readouterr().err


def test_an_unknown_trade_and_an_empty_state_are_refused(
    state: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert run(["audit", "trade", "0xdead", "--state", str(state)]) == 1
    assert "no trade 0xdead" in capsys.readouterr().err
    assert run(["audit", "trades", "--state", str(tmp_path / "empty")]) == 1
    assert "holds no journal" in capsys.readouterr().err


def test_replay_says_all_identical_and_where_it_ran(state: Path, capsys: Capture) -> None:
    code, found = asked(capsys, state, "replay", "--in", "processes", "--processes", "1")
    assert code == 0
    assert found["all_identical"] is True
    assert found["identical"] == found["made"] == found["decisions"]
    assert found["ran_in"] == "processes of this Python"


def test_a_pack_holds_what_there_is_and_names_what_is_missing(state: Path, capsys: Capture) -> None:
    storage = LocalStorage(state / "storage")
    release = next((state / "storage" / "releases").glob("*.zip")).stem
    alarm = Alarm(
        kind="wrong_code",
        subject="btc-5m",
        severity=Severity.CRITICAL,
        action="look",
        raised_wire_ms=1,
        release=release,
    )
    AlarmStore(storage).raise_alarm(alarm)
    for name, part in {"plan": b"[1]", "state": b"7", "began": b"null"}.items():
        storage.write(f"rollouts/r0001/{name}.json", part)  # of another release, of any form
    folder = state / "pack"
    code, found = asked(capsys, state, "audit", "evidence", release[:8], "--out", str(folder))
    assert code == 0
    assert found["missing"] == [
        "code difference", "plan", "approval", "canary", "roll report", "limits"
    ]  # fmt: skip
    items = {one["name"]: one for one in found["items"]}  # type: ignore[attr-defined]
    assert "are identical" in items["replay"]["text"]
    assert items["alarms"]["text"].startswith("1 alarm, 1 still latched")
    for one in items.values():
        assert one["file"] is None or (folder / one["file"]).is_file()
    page = (folder / "evidence.md").read_text()
    assert release in page
    assert "- **approval**" in page
    assert run(["audit", "evidence", release, "--out", str(folder), "--state", str(state)]) == 1
    assert "not empty" in capsys.readouterr().err
    assert run(["audit", "evidence", "ffff", "--state", str(state)]) == 1
    assert release[:12] in capsys.readouterr().err
