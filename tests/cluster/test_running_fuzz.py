"""Command lines with right and wrong values against a fleet that runs; none of them may end it.

`MIDSTRIDE_FUZZ_RUNNING=400` makes as many.
"""

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cluster.__main__ import main, run
from cluster.commands import strategies
from tests.cluster.test_command_fuzz import check, leaves, line_of
from tests.rolling_update.fleet import Fleet, running_fleet

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.nemesis, pytest.mark.timeout(1500)]
LINES = int(os.environ.get("MIDSTRIDE_FUZZ_RUNNING", "150"))
SLOTS = ("btc-5m", "eth-5m")
ENDS = frozenset({("stop",), ("head", "end"), ("trading", "halt"), ("launch",)})
"""Commands that end the fleet or its trading, or that only a job runs."""
SELDOM = frozenset({"replay", "evidence", "blame", "try", "doctor", "completion"})
OFTEN = (
    ("status",),
    ("status", "--json"),
    ("alarms", "list"),
    ("alarms", "clear", "--all", "--reason", "seen"),
    ("audit", "check", "--json"),
    ("audit", "reconcile"),
    ("audit", "trades", "--slot", "btc-5m"),
    ("head", "start"),
    ("logs", "btc-5m", "--last", "5"),
    ("pnl", "--by", "slot"),
    ("rolling-update", "status"),
    ("rolling-update", "plan"),
    ("rolling-update", "plan", "--json"),
    ("rolling-update", "params", "--set", "sizing.kelly_fraction=5"),
    ("rolling-update", "params", "--set", "no.such=1"),
    ("rolling-update", "rollback"),
    ("run", "--detach", "--speed", "31"),
    ("run", "--detach", "--seed", "9"),
    ("run", "--detach", "--fresh"),
    ("run", "--detach", "--config", "none.toml"),
    ("trading", "reduce", "--reason", "lunch"),
    ("trading", "resume", "--reason", "back"),
    ("update",),
)
"""What an operator types, right and wrong; each once, then drawn lines."""


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep what is written out of this tree; questions find no one to answer."""
    monkeypatch.setattr(strategies, "FOLDER", tmp_path)
    monkeypatch.setenv("MIDSTRIDE_OPERATOR_KEY", str(tmp_path / "no-key"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", (tmp_path / "empty").open("w+"))


def drawn(rng: random.Random, commands: list[tuple[tuple[str, ...], Any]], root: Path) -> list[str]:
    """Draw a line that neither ends the fleet nor stays for ever."""
    while True:
        words, command = rng.choice(commands)
        if words in ENDS or (SELDOM & set(words) and rng.random() < 0.8):
            continue
        line = line_of(rng, words, command, root)
        if words == ("run",):
            line.append("--detach")
        return [word for word in line if word not in {"--follow", "--yes"}]


def ends_well(line: list[str], code: int, out: str) -> None:
    """Hold the exit codes of the commands whose answer is known on a fleet that is well."""
    if line[:1] == ["status"] and code != 2:
        assert code == 0, out
    if line[:2] == ["run", "--detach"] and "--state" in line and len(line) > 4:
        assert code in {1, 2}, f"{line} started another fleet:\n{out}"


@pytest.mark.usefixtures("apart")
def test_no_command_line_harms_a_running_fleet(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random("running")
    commands = list(leaves(main))  # type: ignore[arg-type]
    codes: Counter[int] = Counter()
    with running_fleet(tmp_path, SLOTS) as fleet:
        fleet.await_decisions(1)
        root = fleet.state.root
        lines = [[*words, "--state", str(root)] for words in OFTEN]
        while len(lines) < LINES:
            lines.append(drawn(rng, commands, root))
        for line in lines:
            codes[answer(line, capfd)] += 1
        still_well(fleet)
    with capfd.disabled():
        print(f"running: {codes.total()} command lines, exit codes {dict(sorted(codes.items()))}")


def answer(line: list[str], capfd: pytest.CaptureFixture[str]) -> int:
    """Run a line in this process, hold what it says, and return its exit code."""
    capfd.readouterr()
    try:
        code = run(line)
    except SystemExit as ended:  # click's own completion and version
        code = ended.code if isinstance(ended.code, int) else 1
    shown = capfd.readouterr()
    with capfd.disabled():
        print(code, *line[:6], flush=True)
    check(line, code, shown.out, shown.err)
    ends_well(line, code, shown.out + shown.err)
    return code


def still_well(fleet: Fleet) -> None:
    code, said = fleet.command("trading", "resume", "--reason", "the fuzz is over")
    assert code == 0, said
    fleet.await_decisions(1)
    code, said = fleet.command("audit", "check")
    assert code == 0, said
