"""docs/going-live.md followed to the letter: past the typed confirmation in the rehearsal."""

import re
import shutil
from pathlib import Path

import pytest

from cluster.local.state_folder import StateFolder
from tests.cluster.gate.closed_fleet import commit, git
from tests.cluster.local.test_reachable import no_network
from tests.cluster.test_readme import Reader, reader  # noqa: F401 a fixture, used by name
from tests.rolling_update.fleet import Fleet, free_ports, left_behind
from tests.rolling_update.trees import ROOT

PAGE = ROOT / "docs" / "going-live.md"


def commands() -> list[str]:
    """Return every line of the page's shell blocks, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


PLAN = re.compile(r"^Plan ([0-9a-f]{12})", re.MULTILINE)
WORDS = re.compile(r"--confirm '([^']+)'")


def test_the_page_walks_the_ladder_and_real_money_comes_last() -> None:
    found = commands()
    ladder = (
        "doctor",
        "make run FOR",
        "MODE=paper STANDINS=1",
        "MODE=paper FOR",
        "gate key",
        "live new",
        "MODE=live STANDINS=1",
        "gate first --state",
        "gate approve",
        "gate first --apply",
        "CONFIRM=",
        "live check",
        "MODE=live CONFIG",
    )
    places = [next(i for i, line in enumerate(found) if step in line) for step in ladder]
    assert places == sorted(places)
    assert [line for line in found if "MODE=live" in line and "STANDINS" not in line] == found[-1:]


@pytest.mark.ray
@pytest.mark.exchange
@pytest.mark.nemesis
@pytest.mark.timeout(7_200)
def test_the_page_followed_to_the_letter(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    """Up to the typed confirmation, past it in the rehearsal; live itself is not started."""
    paper = reader.tree / "cluster" / "configs" / "paper.toml"
    paper.write_text(no_network(tmp_path).read_text())
    commit_all(reader.tree)
    follow(reader, commands()[:-2])
    for name in ("paper-trial", "paper", "live-trial"):
        left = Fleet(StateFolder(reader.tree / name), reader.tree, (), tmp_path)
        assert left_behind(left) == []


@pytest.mark.ray
@pytest.mark.exchange
@pytest.mark.nemesis
@pytest.mark.timeout(3_600)
def test_the_page_from_the_rehearsal_on(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    commit_all(reader.tree)
    lines = commands()
    begin = next(i for i, line in enumerate(lines) if "gate key" in line)
    follow(reader, lines[begin:-2])
    left = Fleet(StateFolder(reader.tree / "live-trial"), reader.tree, (), tmp_path)
    assert left_behind(left) == []


def follow(page_reader: Reader, lines: list[str]) -> None:
    """Type every line; what the page says to read off the output is read off."""
    known = {"PLAN": "", "WORDS": ""}
    for line in lines:
        typed = line
        for name, value in known.items():
            typed = re.sub(rf"\b{name}\b", value, typed)
        ports = f" RUN=--head-port={free_ports()}" if line.startswith("make run") else ""
        asks = "MODE=live" in line and "CONFIRM" not in line
        code, said = page_reader.shell(typed + ports)
        assert (code == 0) is not asks, f"{typed}:\n{said}"
        if "MODE=paper" in line:
            assert "PAPER" in said
        if "STANDINS" in line and not asks:
            assert "missed 0" in said
        if (plan := PLAN.search(said)) is not None:
            known["PLAN"] = plan[1]
        if (words := WORDS.search(" ".join(said.split()))) is not None:
            known["WORDS"] = words[1]
    assert all(known.values())


def commit_all(tree: Path) -> None:
    """An operator approves committed code only; what the page makes meanwhile is ignored."""
    shutil.copy(ROOT / ".gitignore", tree / ".gitignore")
    git(tree, "init", "-q")
    commit(tree)
