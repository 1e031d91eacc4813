"""The operator's way through the gate, from a key to a release that may trade."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from actors.runtime import CONFIG_FILE
from checkpoints.storage import LocalStorage
from cluster.commands import gate
from cluster.errors import ClusterError
from cluster.local.state_folder import state_folder
from tests.cluster.gate.builders import COMMIT, config, write_release


def run(*arguments: str) -> None:
    gate.command.main(args=list(arguments), standalone_mode=False)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a fleet's folder; its working tree is a small one, clean unless a test says so."""
    monkeypatch.setattr(gate, "WORKING_TREE", write_release(tmp_path / "tree"))
    monkeypatch.setattr(gate, "git_commit", lambda: COMMIT)
    return tmp_path / "state"


def launched(state: Path, **gate: object) -> None:
    storage = LocalStorage(state_folder(str(state), {}).storage)
    storage.write(CONFIG_FILE, msgspec.json.encode(config(**gate)))


def make_key(out: Path, capsys: pytest.CaptureFixture[str]) -> str:
    run("key", "--out", str(out))
    found = re.search(r'NAME = "([0-9a-f]{64})"', capsys.readouterr().out)
    assert found is not None
    return found.group(1)


def output(capsys: pytest.CaptureFixture[str]) -> object:
    return json.loads(capsys.readouterr().out)


def test_key_plan_approve_apply_in_four_commands(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "operator.key"
    public = make_key(key, capsys)
    assert key.stat().st_mode & 0o077 == 0
    launched(state, operator_keys={"ann": public})
    where = ["--state", str(state), "--json"]
    run("first", *where)
    plan = output(capsys)["plan"]
    with pytest.raises(ClusterError, match="no valid approval"):
        run("first", "--apply", plan[:10], *where)
    run("approve", plan[:10], "--key", str(key), "--yes", *where)
    assert output(capsys)["statement"]["who"] == "ann"
    run("first", "--apply", plan[:10], *where)
    applied = output(capsys)
    run("list", *where)
    listed = output(capsys)
    assert listed["open"] is False
    assert listed["releases"] == [applied["to_release"]]


def test_a_dirty_tree_comes_in_by_break_glass_alone(
    state: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "git_commit", lambda: f"{COMMIT}-dirty")
    key = tmp_path / "operator.key"
    launched(state, operator_keys={"ann": make_key(key, capsys)})
    where = ["--state", str(state), "--json"]
    run("first", *where)
    plan = output(capsys)["plan"]
    run("approve", plan, "--key", str(key), "--yes", *where)
    with pytest.raises(ClusterError, match="was not clean"):
        run("first", "--apply", plan, *where)
    capsys.readouterr()
    run("first", "--apply", plan, "--break-glass", "the fix cannot wait", *where)
    assert output(capsys)["break_glass"] == "the fix cannot wait"
    run("list", *where)
    assert len(output(capsys)["forced"]) == 1


def test_a_strangers_key_approves_nothing(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launched(state)
    make_key(tmp_path / "stranger.key", capsys)
    run("first", "--state", str(state), "--json")
    plan = output(capsys)["plan"]
    with pytest.raises(ClusterError, match=r"is not in gate\.operator_keys"):
        run("approve", plan, "--key", str(tmp_path / "stranger.key"), "--state", str(state))


def test_a_key_is_never_overwritten_and_must_be_private(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "operator.key"
    launched(state, operator_keys={"ann": make_key(key, capsys)})
    with pytest.raises(ClusterError, match="not overwritten"):
        run("key", "--out", str(key))
    run("first", "--state", str(state), "--json")
    plan = output(capsys)["plan"]
    key.chmod(0o644)
    with pytest.raises(ClusterError, match="other users can read"):
        run("approve", plan, "--key", str(key), "--yes", "--state", str(state))


def test_an_approval_cannot_outlive_what_the_configuration_allows(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "operator.key"
    launched(state, operator_keys={"ann": make_key(key, capsys)})
    run("first", "--state", str(state), "--json")
    plan = output(capsys)["plan"]
    words = ["--key", str(key), "--hours", "25", "--yes", "--state", str(state)]
    with pytest.raises(ClusterError, match="up to 24"):
        run("approve", plan, *words)


def test_before_a_launch_the_gate_says_what_is_missing(state: Path) -> None:
    with pytest.raises(ClusterError, match="start the fleet once"):
        run("list", "--state", str(state))
