"""README.md followed to the letter: started, edited, updated, asked and stopped in its own words.

Each command of its table runs on a running fleet and on the same fleet stopped.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from tests.rolling_update.fleet import Fleet, free_ports, left_behind, write_config
from tests.rolling_update.trees import ROOT, copy_tree, edit

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1500)]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SLOTS = ("btc-5m", "eth-5m")
COMMAND_SECONDS = 600.0
BESIDE = ("Makefile", "midstride", "pyproject.toml", "requirements-dev.lock", "README.md")


@dataclass(frozen=True)
class Expected:
    """What stands for a command of the table: its words, and its exit code in each state."""

    words: str
    running: int = 0
    stopped: int = 0


TABLE = {
    "status": Expected("status", stopped=1),
    "doctor": Expected("doctor"),
    "config check": Expected("config check"),
    "config show": Expected("config show"),
    "strategies list": Expected("strategies list"),
    "strategies new": Expected("strategies new my_signal", stopped=1),  # it is there already
    "try": Expected("try --signal my_signal --html {out}/try.html"),
    "rolling-update plan": Expected("rolling-update plan", stopped=1),
    "rolling-update apply": Expected("rolling-update apply --fast --shadow=0", stopped=1),
    "rolling-update status": Expected("rolling-update status"),
    "rolling-update resume": Expected("rolling-update resume", 1, 1),  # no roll is under way
    "rolling-update abort": Expected("rolling-update abort", 1, 1),
    "rolling-update rollback": Expected("rolling-update rollback", stopped=1),
    "rolling-update params": Expected(
        "rolling-update params --set sizing.kelly_fraction=0.4", stopped=1
    ),
    "trading reduce": Expected("trading reduce", stopped=1),
    "trading halt": Expected("trading halt", stopped=3),  # the exchange is down too
    "trading drill": Expected("trading drill"),
    "trading resume": Expected("trading resume", stopped=1),
    "alarms list": Expected("alarms list"),
    "alarms clear": Expected("alarms clear --all --reason seen"),
    "alarms test": Expected("alarms test", 1, 1),  # no sink is set
    "logs btc-5m --follow": Expected("logs btc-5m"),
    "pnl --by hour": Expected("pnl --by hour"),
    "pnl --by day": Expected("pnl --by day"),
    "pnl --by slot": Expected("pnl --by slot"),
    "pnl --by asset": Expected("pnl --by asset"),
    "pnl --by release": Expected("pnl --by release --html {out}/pnl.html"),
    "audit trades": Expected("audit trades"),
    "audit trade ID": Expected("audit trade {trade}"),
    "audit releases": Expected("audit releases"),
    "audit windows": Expected("audit windows"),
    "audit check": Expected("audit check"),
    "audit evidence": Expected("audit evidence {release} --out {out}/evidence{state}"),
    "audit reconcile": Expected("audit reconcile", stopped=1),
    "audit day": Expected("audit day", stopped=1),  # the exchange is down too
    "replay": Expected("replay"),
    "blame TRADE": Expected("blame {trade}"),
    "gate list": Expected("gate list"),
    "gate key": Expected("gate key --out {out}/key{state}"),
}
ELSEWHERE = {
    *("run", "stop", "update", "config new", "gate first", "gate show", "gate approve"),
    *("live new", "live check", "live keys", "live refresh", "live show"),
}
"""Run by the test itself, or of a fleet that needs approvals: docs/gate.md and docs/going-live.md
have their own tests."""
OF_A_TAPE = {"tape check FOLDER"}
"""Asks no fleet: tests/cluster/tape has its tests."""


def listed_commands() -> set[str]:
    """Return every command of README's table: `a b|c` in it stands for `a b` and `a c`."""
    found = set()
    for first, _ in re.findall(r"^\| (`.*?`) \| (.*) \|$", section("Commands"), re.MULTILINE):
        for words in re.findall(r"`([^`]*)`", first):
            found |= expanded(words.replace("\\|", "|"))
    return found


def expanded(words: str) -> set[str]:
    before, bar, after = words.partition("|")
    *prefix, first = before.split(" ")
    if not bar:
        return {words}
    return {" ".join([*prefix, each]) for each in (first, *after.split("|"))}


def section(title: str) -> str:
    return README.partition(f"## {title}\n")[2].partition("\n## ")[0]


@dataclass(frozen=True)
class Reader:
    """Who follows the page: a copy of the checkout, a state folder, a shell."""

    tree: Path
    fleet: Fleet
    out: Path

    def shell(self, line: str) -> tuple[int, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.tree,
            env={**kept, "MIDSTRIDE_STATE": str(self.fleet.state.root), "YES": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def does(self, line: str) -> str:
        code, output = self.shell(line)
        assert code == 0, f"{line}:\n{output}"
        assert "Traceback" not in output, f"{line}:\n{output}"
        return output

    def walk_table(self, state: str) -> None:
        """Run every command of the table; each must end as expected and without a traceback."""
        trade, release = self.first_trade()
        wrong = []
        for name, expected in TABLE.items():
            words = expected.words.format(out=self.out, state=state, trade=trade, release=release)
            code, output = self.shell(f"./midstride {words}")
            if code != getattr(expected, state) or "Traceback" in output:
                wrong.append(f"{name} ({state}): exit {code}\n{output}")
        assert not wrong, "\n".join(wrong)

    def first_trade(self) -> tuple[str, str]:
        lines = msgspec.json.decode(self.does("./midstride audit trades --json 2>/dev/null"))
        first = lines["trades"][0]
        return first["order_id"], first["release"]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    from cluster.local.state_folder import StateFolder

    tree = copy_tree(tmp_path / "midstride")
    shutil.copytree(ROOT / ".ci", tree / ".ci")
    for name in BESIDE:
        shutil.copy2(ROOT / name, tree / name)
    environment = tree / ".venv"
    environment.mkdir()
    for part in Path(sys.prefix).iterdir():
        if not part.name.startswith(".made"):
            (environment / part.name).symlink_to(part)
    (environment / ".made-from-lock").touch()
    out = tmp_path / "out"
    out.mkdir()
    fleet = Fleet(StateFolder(tmp_path / "state"), tree, SLOTS, tmp_path)
    yield Reader(tree, fleet, out)
    fleet.stop()
    assert not left_behind(fleet)


def test_the_table_of_commands_is_the_one_that_is_tried() -> None:
    assert listed_commands() == set(TABLE) | ELSEWHERE | OF_A_TAPE


def test_the_page_works_as_it_is_written(reader: Reader, tmp_path: Path) -> None:
    config = write_config(reader.tree, tmp_path / "fleet.toml", SLOTS)
    state = reader.fleet.state.root
    reader.does(
        f"make run DETACH=1 FRESH=1 SPEED=30 SEED=1 CONFIG={config} STATE={state}"
        f" RUN=--head-port={free_ports()}"
    )
    reader.fleet.await_decisions(4)
    edit(
        reader.tree,
        "signals/factors/pattern.py",
        "shapes.bullish(bars, params.strong_body_atr)",
        "shapes.bullish(bars, 1.05 * params.strong_body_atr)",
    )
    said = reader.does(f"make update STATE={state}")
    assert "1.05 * params.strong_body_atr" in said
    reader.does(f"make status STATE={state}")
    reader.walk_table("running")
    reader.does(f"make stop STATE={state}")
    reader.walk_table("stopped")
    snippet = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)[0]
    storage: dict[str, object] = {"storage": str(reader.fleet.state.storage)}
    exec(snippet.replace("journal.filter", "found = journal.filter"), storage)
    assert storage["found"].num_rows > 0  # type: ignore[attr-defined]
