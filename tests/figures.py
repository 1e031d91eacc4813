"""Sizes of the code: `python -m tests.figures [COMMIT ...]` counts the tree and commits."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("signals", "checkpoints", "actors", "cluster")
IMPURE: Final = frozenset({"ray", "asyncio", "os", "socket", "httpx", "time"})
"""A file that imports none of these itself is pure."""


PAGE: Final = ROOT / "docs" / "architecture.md"
LIFE: Final = re.compile(r"<!-- life: (\w+) -->\n((?:\|.*\n)+)")
FILE: Final = re.compile(r"`([a-z_]+/[a-z0-9_/]+\.py)`")


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    product_lines: int
    test_lines: int
    cluster_root_files: int
    """Without `__init__`."""
    actor_lines: int
    pure_actor_lines: int

    @property
    def pure_percent(self) -> float:
        return 100 * self.pure_actor_lines / max(1, self.actor_lines)


def count(files: dict[str, str]) -> Figures:
    """Count Python sources, given by path from the root."""
    lines = {path: len(text.splitlines()) for path, text in files.items()}
    actors = {path for path in files if path.startswith("actors/")}
    return Figures(
        product_lines=sum(many for path, many in lines.items() if path.split("/")[0] in PACKAGES),
        test_lines=sum(many for path, many in lines.items() if path.startswith("tests/")),
        cluster_root_files=sum(
            path.startswith("cluster/") and path.count("/") == 1 and "__init__" not in path
            for path in files
        ),
        actor_lines=sum(lines[path] for path in actors),
        pure_actor_lines=sum(lines[path] for path in actors if not imported(files[path]) & IMPURE),
    )


def imported(text: str) -> set[str]:
    """Return the top-level packages that a source imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module.split(".")[0])
    return found


def lives() -> dict[str, tuple[str, ...]]:
    """Return the files that each life of docs/architecture.md crosses, each once, in order."""
    page = PAGE.read_text(encoding="utf-8")
    return {name: tuple(dict.fromkeys(FILE.findall(table))) for name, table in LIFE.findall(page)}


def of_tree() -> dict[str, str]:
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for package in (*PACKAGES, "tests")
        for path in (ROOT / package).rglob("*.py")
    }


def of_commit(commit: str) -> dict[str, str]:
    names = _git("ls-tree", "-r", "--name-only", commit).splitlines()
    wanted = [
        name
        for name in names
        if name.endswith(".py") and name.split("/")[0] in (*PACKAGES, "tests")
    ]
    return {name: _git("show", f"{commit}:{name}") for name in wanted}


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True
    ).stdout


def rows(of: dict[str, Figures]) -> Iterator[str]:
    yield f"{'':<34}" + "".join(f"{name:>12}" for name in of)
    yield f"{'product lines':<34}" + "".join(f"{one.product_lines:>12,}" for one in of.values())
    yield f"{'test lines':<34}" + "".join(f"{one.test_lines:>12,}" for one in of.values())
    yield f"{'files at the root of cluster':<34}" + "".join(
        f"{one.cluster_root_files:>12}" for one in of.values()
    )
    yield f"{'lines of actors':<34}" + "".join(f"{one.actor_lines:>12,}" for one in of.values())
    yield f"{'of them in pure files':<34}" + "".join(
        f"{one.pure_percent:>11.1f}%" for one in of.values()
    )


if __name__ == "__main__":
    found = {commit[:10]: count(of_commit(commit)) for commit in sys.argv[1:]}
    for row in rows({**found, "this tree": count(of_tree())}):
        print(row)
    for life, files in lives().items():
        print(f"files crossed by one {life}: {len(files)}")
