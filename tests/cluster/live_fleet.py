"""A real fleet in live mode beside stand-ins: the whole ladder by the operator's commands."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.gate.keys import make_key
from cluster.local.state_folder import StateFolder
from tests.cluster.gate.closed_fleet import ClosedFleet, clean_tree
from tests.rolling_update.fleet import free_ports, left_behind

SLOTS = ("btc-5m", "eth-5m")
STRATEGY = 'strategy = "five_factor"'
TEXT = re.compile(r"--confirm '([^']+)'")
GATE = """[gate]
operator_keys = {{ ann = "{key}" }}
minutes_between_rolls = 0
rolls_per_day = 1000
staged_decisions = 0
"""


@dataclass(frozen=True)
class LiveFleet(ClosedFleet):
    config: Path
    ports: int

    def run(self, *words: str, tree: Path | None = None) -> tuple[int, str]:
        """Start it as a person does, without confirming anything."""
        return self.command(
            "run",
            "--mode=live",
            "--stand-ins",
            "--detach",
            f"--config={self.config}",
            f"--head-port={self.ports}",
            *words,
            tree=tree,
        )

    def start_approved(self) -> None:
        """Let it in and start it, confirmed; the first, refused run stores the configuration."""
        code, said = self.run()
        assert code == 1, said
        self.let_in()
        self.start()

    def full_text(self, tree: Path | None = None) -> str:
        """Return what a refused start says must be typed."""
        code, said = self.run(tree=tree)
        assert code == 1, said
        found = TEXT.search(" ".join(said.split()))
        assert found is not None, said
        return found[1]

    def start(self, tree: Path | None = None) -> None:
        code, said = self.run(f"--confirm={self.full_text(tree)}", tree=tree)
        assert code == 0, said


OFTEN = "[20_000, 50_000, 80_000, 110_000, 140_000, 170_000, 200_000, 230_000]"
"""Market time is wall time: a decision each half minute, so that minutes show something."""
EDGE = """
[params.blend]
version = 2
mid = 0.3
fair = 0.7
factors = 0.1

[params.points]
act = 4.0
flat = 1.0

[params.edge]
rest_min = 0.01
take_min = 0.03
"""
"""As beside the sandbox: what its makers err by is traded."""


def live_text(
    tree: Path, public: str, slots: tuple[str, ...], strategy: str = "five_factor"
) -> str:
    """Return the shipped live configuration with an operator's key, only these slots, and theirs.

    They decide often, and by coefficients that find something to trade beside the stand-ins.
    """
    text = (tree / "cluster/configs/live.toml").read_text(encoding="utf-8")
    text = text.replace("offsets_ms = [20_000]", f"offsets_ms = {OFTEN}") + EDGE
    assert STRATEGY in text
    text = text.replace(STRATEGY, f'strategy = "{strategy}"')
    head, _, tail = text.partition("[slots]\n")
    after = tail.partition("\n\n")[2]
    before, _, gated = head.partition("[gate]\n")
    rest = gated.partition("\n\n")[2]
    lines = "".join(f"{slot} = {{}}\n" for slot in slots)
    return f"{before}{GATE.format(key=public)}\n{rest}[slots]\n{lines}\n{after}"


@contextmanager
def live_fleet(
    folder: Path,
    slots: tuple[str, ...] = SLOTS,
    strategy: str = "five_factor",
    edits: tuple[tuple[str, str, str], ...] = (),
) -> Iterator[LiveFleet]:
    """Yield a fleet that is let in and not started yet; leave no process behind.

    `edits`: what is another text in its tree.
    """
    tree = clean_tree(folder / "running", *edits)
    key = folder / "operator.key"
    config = folder / "live.toml"
    config.write_text(live_text(tree, make_key(key), slots, strategy), encoding="utf-8")
    fleet = LiveFleet(
        state=StateFolder(folder / "state"),
        tree=tree,
        slots=slots,
        folder=folder,
        key=key,
        refused="",
        config=config,
        ports=free_ports(),
    )
    try:
        yield fleet
    finally:
        fleet.stop()
        assert not left_behind(fleet)
