"""docs/going-live.md followed to the letter, up to paper; the last command meets no network."""

import re
from pathlib import Path

import pytest

from cluster.local.state_folder import StateFolder
from tests.cluster.local.test_reachable import no_network
from tests.cluster.test_readme import Reader, reader  # noqa: F401 a fixture, used by name
from tests.rolling_update.fleet import Fleet, free_ports, left_behind
from tests.rolling_update.trees import ROOT

PAGE = ROOT / "docs" / "going-live.md"


def commands() -> list[str]:
    """Return every line of the page's shell blocks, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def test_the_page_walks_the_ladder_and_stops_before_live() -> None:
    found = commands()
    ladder = ("doctor", "make run FOR", "MODE=paper STANDINS=1", "MODE=paper FOR")
    places = [next(i for i, line in enumerate(found) if step in line) for step in ladder]
    assert places == sorted(places)
    assert not any("live" in line for line in found)
    assert '`mode = "live"` is refused' in PAGE.read_text(encoding="utf-8")


@pytest.mark.ray
@pytest.mark.exchange
@pytest.mark.nemesis
@pytest.mark.timeout(3_600)
def test_the_page_followed_to_the_letter(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    paper = reader.tree / "cluster" / "configs" / "paper.toml"
    paper.write_text(no_network(tmp_path).read_text())
    for line in commands():
        ports = f" RUN=--head-port={free_ports()}" if line.startswith("make run") else ""
        said = reader.does(line + ports)
        if "MODE=paper" in line:
            assert "PAPER" in said
        if "STANDINS" in line:
            assert "missed 0" in said
    assert "nothing was placed" in said
    for name in ("paper-trial", "paper"):
        left = Fleet(StateFolder(reader.tree / name), reader.tree, (), tmp_path)
        assert left_behind(left) == []
