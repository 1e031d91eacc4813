"""Every command with right and wrong values in every state: no traceback, true exit code.

`MIDSTRIDE_FUZZ=2000` makes as many command lines; each state gets its share. Commands that would
start processes are stopped at the door behind which they do.
"""

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from actors.config import config_id
from actors.gateway.lock import HALT_FILE
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.process_id import ProcessId
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage
from cluster.__main__ import COMMANDS, main, run
from cluster.commands import run as run_command
from cluster.commands import strategies
from cluster.config.load import DEFAULT_FILE
from cluster.config.offline import read_offline
from cluster.errors import HeadError
from cluster.local.state_folder import StateFolder
from signals.market import Outcome
from tests.cluster.audit.builders import Story, archive_tree

LINES = int(os.environ.get("MIDSTRIDE_FUZZ", "320"))
STATES = ("never started", "stopped", "crashed", "halted")
WORDS = (
    "",
    "x",
    "btc-5m",
    "btc-7m",
    "0",
    "-1",
    "1e9",
    "2026-01-01",
    "2030-13-45",
    "[/5m]",
    "ä€\x1b[1m",
)
RARE = frozenset({"replay", "evidence", "blame", "try", "reconcile", "halt", "first"})
"""Slow ones: they start processes of their own or ask a venue that is not there."""


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder as a fleet left it: journal, archive, configuration, an alarm."""
    root = tmp_path_factory.mktemp("left")
    storage = LocalStorage(root / "storage")
    release = archive_tree(storage)
    story = Story(storage, release)
    story.trade(Outcome.UP)
    story.trade(Outcome.DOWN)
    config, _ = read_offline(DEFAULT_FILE)
    (root / "storage" / "config").mkdir(exist_ok=True)
    data = __import__("msgspec").json.encode(config)
    (root / "storage" / "config" / "current.json").write_bytes(data)
    assert config_id(config)
    AlarmStore(storage).raise_alarm(
        Alarm(kind="k", subject="[/x]", severity=Severity.WARNING, action="a", raised_wire_ms=1)
    )
    return root


def in_state(name: str, left: Path, folder: Path) -> Path:
    root = folder / name.replace(" ", "-")
    if name == "never started":
        return root
    shutil.copytree(left, root, dirs_exist_ok=True)
    gone = ProcessId(pid=2**22 - 3, start=1)
    if name == "crashed":
        StateFolder(root).update_run(head=gone, sandbox=gone)
    if name == "halted":
        (root / "storage" / HALT_FILE).write_text("lunch")
    return root


def leaves(
    group: click.Group, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, (*words, name))
        else:
            yield (*words, name), command


def value_of(rng: random.Random, parameter: Any, folder: Path) -> str:
    """Return a value that may be right or wrong."""
    if isinstance(parameter.type, click.Choice) and rng.random() < 0.8:
        return str(rng.choice(list(parameter.type.choices)))
    if isinstance(parameter.type, click.Path):
        names = ("new.html", "none/x", "", "folder")
        (folder / "folder").mkdir(exist_ok=True)
        return str(folder / rng.choice(names))
    return rng.choice(WORDS)


def line_of(rng: random.Random, words: tuple[str, ...], command: Any, folder: Path) -> list[str]:
    line = list(words)
    for parameter in command.params:
        if parameter.name not in {"state", "storage", "address"}:
            line += part_of(rng, parameter, folder)
    if rng.random() < 0.08:
        line.append(rng.choice(["--nonsense", "--help", "-h", "surplus"]))
    if any(parameter.name == "state" for parameter in command.params):
        line += ["--state", str(folder)]
    return line


def part_of(rng: random.Random, parameter: Any, folder: Path) -> list[str]:
    if isinstance(parameter, click.Argument):
        return [value_of(rng, parameter, folder)] if rng.random() < 0.85 else []
    if rng.random() >= (0.8 if parameter.required else 0.25):
        return []
    value = [] if parameter.is_flag else [value_of(rng, parameter, folder)]
    return [parameter.opts[0], *value]


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stop what would start processes, and keep what is written out of this tree."""

    def refused(*_: object, **__: object) -> None:
        raise HeadError("the fuzz starts nothing")

    monkeypatch.setattr(run_command, "run", refused)
    monkeypatch.setattr("cluster.commands.head.ensure_head", refused)
    monkeypatch.setattr("cluster.web.serving.serve", refused)
    monkeypatch.setattr(strategies, "FOLDER", tmp_path)
    monkeypatch.setenv("MIDSTRIDE_OPERATOR_KEY", str(tmp_path / "no-key"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", (tmp_path / "empty").open("w+"))


@pytest.mark.parametrize("name", STATES)
@pytest.mark.usefixtures("doors")
def test_no_command_line_ends_in_a_traceback_or_an_untrue_exit_code(
    name: str, left: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = in_state(name, left, tmp_path)
    rng = random.Random(f"commands/{name}")
    commands = list(leaves(main))  # type: ignore[arg-type]
    assert {words[0] for words, _ in commands} == set(COMMANDS)
    codes: Counter[int] = Counter()
    while codes.total() < LINES // len(STATES):
        words, command = rng.choice(commands)
        if RARE & set(words) and rng.random() < 0.85:
            continue
        root.mkdir(exist_ok=True)
        line = line_of(rng, words, command, root)
        capfd.readouterr()
        try:
            code = run(line)
        except SystemExit as ended:  # click's own completion and version
            code = ended.code if isinstance(ended.code, int) else 1
        shown = capfd.readouterr()
        codes[code] += 1
        check(line, code, shown.out, shown.err)
    print(f"{name}: {codes.total()} command lines, exit codes {dict(sorted(codes.items()))}")


def check(line: list[str], code: int, out: str, err: str) -> None:
    told = f"{line}\n{out[-1500:]}\n{err[-3000:]}"
    not_proven = code == 3 and line[:1] == ["trading"] and line[1] in {"halt", "drill"}
    assert code in {0, 1, 2} or not_proven, told
    assert "Traceback (most recent call last)" not in out + err, told
    assert "a fault of its own" not in err, told
    if code:
        assert (out + err).strip(), told
    elif "--json" in line and "--help" not in line and "-h" not in line:
        json.loads(out)


@pytest.mark.usefixtures("doors")
def test_a_state_folder_that_is_a_file_or_cannot_be_read_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    for words, _ in leaves(main):  # type: ignore[arg-type]
        line = [*words, "--state", str(file)]
        capfd.readouterr()
        code = run(line)
        shown = capfd.readouterr()
        check(line, code, shown.out, shown.err)
