"""Names of modules, functions and classes: words that an engineer of the field looks for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("signals", "checkpoints", "actors", "cluster")
INSTEAD: Final = {
    "look looks looked": "poll, check, read",
    "hear hears heard": "apply",
    "say says said": "notify, report, ..._text",
    "tell tells told": "deliver, publish, report",
    "words": "arguments, text, schema",
    "hands": "..._calls",
    "news": "updates",
    "duties": "timers",
    "desk": "loop, cache, entry",
}
"""Words that name nothing -> what to write."""
BANNED: Final = {word: better for words, better in INSTEAD.items() for word in words.split()}
PURE_MATHS: Final = {"signals/strategy.py::_nothing_said", "signals/legs.py::_told"}
"""Files of the signals are shipped as they were proven; a name in them is not worth a new release
id of every strategy."""
OLD_NAMES: Final = {"actors/gateway/desk.py::desk", "actors/gateway/life.py::life"}
"""Modules that the actor classes of older releases name in their pickles."""
ENTRIES: Final = (
    "actors/gateway/desk.py",
    "actors/gateway/life.py",
    "actors/slot/actor.py",
    "actors/gateway/actor.py",
    "actors/market_data/actor.py",
    "actors/supervisor/actor.py",
    "actors/rehearsal/__main__.py",
    "actors/slot/guard.py",
    "actors/slot/answer.py",
    "actors/slot/facts.py",
    "actors/slot/accounts.py",
    "actors/slot/state.py",
    "actors/messages.py",
    "cluster/__main__.py",
    "cluster/sandbox/__main__.py",
    "cluster/replay/decider.py",
)
"""Imported or read by name from another release: an actor's class, a rehearsal, the guest that
decides again, the files by which an audit knows that rows are added up alike."""
ROOT_FILES_MAX: Final = 6


def words_in(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def names() -> Iterator[tuple[str, str]]:
    """Yield each name with the file that it stands in."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            file = str(path.relative_to(ROOT))
            yield file, path.stem
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    yield file, node.name


def test_no_name_is_a_riddle() -> None:
    found = [
        f"{file}::{name}: write {BANNED[word]}"
        for file, name in names()
        if f"{file}::{name}" not in PURE_MATHS | OLD_NAMES
        for word in sorted(words_in(name) & BANNED.keys())
    ]
    assert found == []


def test_the_root_of_cluster_holds_only_what_every_command_needs() -> None:
    files = {path.name for path in (ROOT / "cluster").glob("*.py")}
    assert len(files - {"__init__.py"}) <= ROOT_FILES_MAX, sorted(files)


def test_what_other_releases_import_by_name_stays_where_it_is() -> None:
    assert [file for file in ENTRIES if not (ROOT / file).is_file()] == []


def test_tests_stand_where_their_subject_stands() -> None:
    """A folder of tests under actors or cluster has a folder of the product beside it."""
    for package in ("actors", "cluster"):
        folders = [path for path in (ROOT / "tests" / package).iterdir() if path.is_dir()]
        names = {path.name for path in folders if path.name != "__pycache__"}
        assert [name for name in sorted(names) if not (ROOT / package / name).is_dir()] == []
