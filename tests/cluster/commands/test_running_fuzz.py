"""Command lines with right and wrong values against a fleet that runs; none of them may end it.

`MIDSTRIDE_FUZZ_RUNNING=400` makes as many.
"""

import os
import random
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cluster.__main__ import main
from tests.cluster.commands.test_command_fuzz import check, leaves, line_of
from tests.rolling_update.fleet import Fleet, running_fleet

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.nemesis, pytest.mark.timeout(1500)]
LINES = int(os.environ.get("MIDSTRIDE_FUZZ_RUNNING", "150"))
SLOTS = ("btc-5m", "eth-5m")
AT_ONCE = 2
LINE_SECONDS = 240.0
"""Wire. A start that is refused still looks for its head; the machine may be busy."""
ENDS = frozenset(
    {("stop",), ("head", "end"), ("trading", "halt"), ("launch",), ("strategies", "new")}
)
"""Commands that end the fleet or its trading, that only a job runs, or that write into the tree."""
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


def test_no_command_line_harms_a_running_fleet(tmp_path: Path) -> None:
    rng = random.Random("running")
    commands = list(leaves(main))  # type: ignore[arg-type]
    with running_fleet(tmp_path, SLOTS) as fleet:
        fleet.await_decisions(1)
        root = fleet.state.root
        lines = [[*words, "--state", str(root)] for words in OFTEN]
        while len(lines) < LINES:
            lines.append(drawn(rng, commands, root))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda line: answer(fleet, line), lines))
        still_well(fleet)
    codes = Counter(code for code, _ in answers)
    faults = [fault for _, fault in answers if fault]
    assert not faults, "\n\n".join(faults)
    print(f"running: {codes.total()} command lines, exit codes {dict(sorted(codes.items()))}")


def answer(fleet: Fleet, line: list[str]) -> tuple[int, str]:
    """Run a line as a person would; return its exit code and what is wrong with its answer."""
    done = subprocess.run(
        [sys.executable, "-m", "cluster", *line],
        cwd=fleet.tree,
        env={**os.environ, "MIDSTRIDE_OPERATOR_KEY": str(fleet.folder / "no-key")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=LINE_SECONDS,
        check=False,
    )
    print(done.returncode, *line[:6], flush=True)
    try:
        check(line, done.returncode, done.stdout, done.stderr)
        ends_well(line, done.returncode, done.stdout + done.stderr)
    except (AssertionError, ValueError) as error:
        return done.returncode, f"{line}: {error}"
    return done.returncode, ""


def still_well(fleet: Fleet) -> None:
    code, said = fleet.command("trading", "resume", "--reason", "the fuzz is over")
    assert code == 0, said
    fleet.await_decisions(1)
    code, said = fleet.command("audit", "check")
    assert code == 0, said
