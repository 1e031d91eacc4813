"""Each small file of a state folder damaged in each way: commands say so, in time, and go on."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from actors.gateway.lock import CURRENT_FILE, Current
from actors.runtime import CONFIG_FILE, load_config
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.errors import DamagedError, MissingFileError, StorageError
from checkpoints.severity import Severity
from checkpoints.small_file import read_file
from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from cluster.config.load import DEFAULT_FILE
from cluster.config.offline import read_offline
from cluster.local.state_folder import StateFolder
from cluster.local.state_lock import hold, holder

Capture = pytest.CaptureFixture[str]
ALARM = "alarms/no_decision.btc-5m.1.json"
FILES = (
    "run.json",
    "lock",
    "ray-token",
    "sandbox-ready.json",
    f"storage/{CONFIG_FILE}",
    f"storage/{CURRENT_FILE}",
    f"storage/{ALARM}",
    "storage/rollouts/active.json",
    "storage/rollouts/r1/plan.json",
)
COMMANDS = (
    ("status",),
    ("doctor", "--json"),
    ("alarms", "list", "--json"),
    ("logs",),
    ("pnl",),
    ("config", "show", "--running"),
    ("gate", "list", "--json"),
    ("rolling-update", "status", "--json"),
    ("trading", "reduce"),
    ("trading", "halt", "--seconds=1"),
)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if path.exists() else b"{")


def folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.name)


def device(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


def writes(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


DAMAGE = {
    "cut": cut,
    "folder": folder,
    "pipe": pipe,
    "loop": loop,
    "device": device,
    "empty": writes(b""),
    "bytes": writes(b"\xff\xfe\x80" * 30),
    "bad text in a string": writes(b'{"id":"\xff","name":"\xff","rollout":"\xff","mode":"\xff"}'),
    "deep": writes(b'{"more":' + b"[" * 100_000),
    "null": writes(b"null"),
    "byte order mark": writes(b"\xef\xbb\xbf{}"),
    "long": writes(b" " * 10_000_000),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole")
    storage = LocalStorage(root / "storage")
    config, _ = read_offline(DEFAULT_FILE)
    storage.write(CONFIG_FILE, msgspec.json.encode(config))
    storage.write(CURRENT_FILE, msgspec.json.encode(Current(name="gateway/1", generation=1)))
    storage.write("rollouts/r1/beat", b"1")
    alarm = Alarm(
        kind="no_decision",
        subject="btc-5m",
        severity=Severity.WARNING,
        action="look",
        raised_wire_ms=1,
    )
    assert AlarmStore(storage).raise_alarm(alarm).alarm.id in ALARM
    StateFolder(root).update_run(launched=True)
    return root


@pytest.mark.parametrize("how", ["cut", "folder", "pipe", "loop", "bad text in a string", "deep"])
@pytest.mark.parametrize("name", FILES)
def test_no_command_waits_for_a_damaged_file_or_fails_by_it(
    name: str, how: str, whole: Path, tmp_path: Path, capsys: Capture
) -> None:
    root = tmp_path / "fleet"
    shutil.copytree(whole, root)
    DAMAGE[how](root / name)
    for command in COMMANDS:
        code = run([*command, "--state", str(root)])
        told = capsys.readouterr()
        assert "fault of its own" not in told.err, command
        assert code in {0, 1, 3}
        assert code == 0 or told.err or told.out, command
        if "--json" in command and told.out:
            json.loads(told.out)
    assert (root / "storage" / "HALT").exists()


@pytest.mark.parametrize("how", list(DAMAGE))
def test_a_damaged_configuration_is_a_fault_to_the_doctor_with_what_to_do(
    how: str, whole: Path, tmp_path: Path, capsys: Capture
) -> None:
    root = tmp_path / "fleet"
    shutil.copytree(whole, root)
    DAMAGE[how](root / "storage" / CONFIG_FILE)
    with pytest.raises(DamagedError, match=r"current\.json"):
        load_config(str(root / "storage"))
    assert run(["doctor", "--state", str(root), "--json"]) == 1
    found = {one["what"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert found["stored configuration"]["verdict"] == "fault"
    assert "midstride run" in found["stored configuration"]["detail"]


@pytest.mark.parametrize("how", [how for how in DAMAGE if how != "folder"])
def test_an_unreadable_alarm_is_an_alarm_and_hides_no_other(
    how: str, whole: Path, tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    storage = LocalStorage(tmp_path / "storage")
    DAMAGE[how](tmp_path / "storage" / ALARM)
    (tmp_path / "storage/alarms/a copy (1).json").write_text("{}")
    found = [state.alarm.kind for state in AlarmStore(storage).latched()]
    assert found == ["damaged_alarm"]
    assert [state.alarm.kind for state in AlarmStore(storage).history()] == found


def test_a_pipe_in_the_storage_is_an_error_and_not_a_wait(tmp_path: Path) -> None:
    pipe(tmp_path / "x")
    with pytest.raises(StorageError, match="no plain file"):
        LocalStorage(tmp_path).read("x")
    with pytest.raises(MissingFileError):
        LocalStorage(tmp_path).read("y")
    with pytest.raises(OSError, match="no plain file"):
        read_file(Path("/dev/null"))


@pytest.mark.parametrize("how", list(DAMAGE))
def test_a_damaged_lock_names_nobody_and_is_taken_or_refused(how: str, tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    DAMAGE[how](state.lock)
    assert holder(state) is None
    if how in {"cut", "empty", "bytes", "deep", "null"}:
        with hold(state, "cluster run"):
            assert holder(state) is not None


def test_a_reason_that_is_no_text_is_kept_as_escapes(whole: Path, tmp_path: Path) -> None:
    root = tmp_path / "fleet"
    shutil.copytree(whole, root)
    assert run(["alarms", "clear", "--all", "--reason", "\udcff", "--state", str(root)]) == 0
    cleared = AlarmStore(LocalStorage(root / "storage")).history()[0].cleared
    assert cleared is not None
    assert cleared.reason == r"\udcff"
    run(["trading", "halt", "--seconds=1", "--reason", "\udcff", "--state", str(root)])
    assert (root / "storage" / "HALT").read_text() == "\\udcff\n"


def test_a_storage_below_a_file_is_no_fleet(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError):
        load_config(str(tmp_path / "file" / "storage"))
