"""What is mutated, by group: pure files, and the tests that are to notice."""

from pathlib import Path
from typing import Final, NamedTuple


class Group(NamedTuple):
    files: tuple[str, ...]
    """Globs from the root."""
    tests: tuple[str, ...]

    def found(self, root: Path) -> list[str]:
        paths = (path for glob in self.files for path in root.glob(glob))
        return sorted(str(path.relative_to(root)) for path in paths if path.name != "__init__.py")


GROUPS: Final = {
    "signals": Group(("signals/*.py", "signals/*/*.py"), ("tests/signals",)),
    "checkpoints": Group(
        tuple(
            f"checkpoints/{name}.py"
            for name in ("codec", "upgrades", "records", "record_set", "columns", "journal_rows")
        ),
        ("tests/checkpoints",),
    ),
    "slot": Group(
        tuple(
            f"actors/slot/{name}.py"
            for name in (
                "step",
                "seat",
                "accounts",
                "books",
                "deciding",
                "answer",
                "rows",
                "owning",
            )
        ),
        ("tests/actors/slot",),
    ),
    "gateway": Group(
        tuple(
            f"actors/gateway/{name}.py"
            for name in (
                "step",
                "fold",
                "risk",
                "exposure",
                "order_life",
                "orders",
                "trades",
                "seats",
            )
        ),
        ("tests/actors/gateway",),
    ),
    "supervisor": Group(
        tuple(
            f"actors/supervisor/{name}.py"
            for name in ("step", "health", "conduct", "standing", "taking_back", "reactions")
        ),
        ("tests/actors/supervisor",),
    ),
    "rollout": Group(
        tuple(
            f"actors/rollout/{name}.py"
            for name in (
                "handoff_step",
                "handoff_back",
                "handoff_vacancy",
                "rollout_step",
                "rollout_pace",
            )
        ),
        ("tests/actors/rollout",),
    ),
}
