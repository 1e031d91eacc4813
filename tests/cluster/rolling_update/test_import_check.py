"""What a roll would change is compiled and imported before anybody is asked."""

from pathlib import Path

import pytest

from actors.rollout.plan import FileChange, Plan, changes_nothing
from checkpoints.archive import archive_release
from checkpoints.storage import LocalStorage
from cluster.rolling_update.import_check import import_faults
from tests.cluster.audit.builders import copy_tree

FILE = "signals/blend.py"


def faults_of(tmp_path: Path, text: bytes | None, path: str = FILE) -> tuple[str, ...]:
    tree = tmp_path / "tree"
    copy_tree(tree)
    if text is not None:
        with (tree / path).open("ab") as opened:
            opened.write(text)
    storage = LocalStorage(tmp_path / "storage")
    release = archive_release(storage, tree, "beef").release
    return import_faults(storage, release, (FileChange(path=path, change="changed"),))


def test_a_good_change_has_no_fault(tmp_path: Path) -> None:
    assert faults_of(tmp_path, b"\n# a comment\n") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\nx = (\n", "signals/blend.py, line"),
        (b"\nimport no_such_thing\n", "ModuleNotFoundError: No module named 'no_such_thing'"),
        (b"\nnot_there + 1\n", "NameError"),
        (b"\nraise SystemExit(3)\n", "SystemExit"),
        (b"\nimport os; os._exit(7)\n", "ended the process with code 7"),
        (b"\nimport os; os._exit(0)\n", "ended the process with code 0"),
        (b"\nx = 'a\x00b'\n", "signals/blend.py"),
    ],
)
def test_a_change_that_cannot_be_imported_is_named_with_its_line(
    tmp_path: Path, text: bytes, said: str
) -> None:
    (fault,) = faults_of(tmp_path, text)
    assert said in fault
    assert "Traceback" not in fault


def test_a_file_that_another_one_breaks_is_found_too(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    copy_tree(tree)
    (tree / "signals" / "new_helper.py").write_text("from signals.blend import nothing_such\n")
    storage = LocalStorage(tmp_path / "storage")
    release = archive_release(storage, tree, "beef").release
    change = FileChange(path="signals/new_helper.py", change="added")
    (fault,) = import_faults(storage, release, (change,))
    assert "signals/new_helper.py does not import (line 1): ImportError" in fault


def make_plan(order: tuple[str, ...], running: dict[str, tuple[str, ...]]) -> Plan:
    return Plan(
        to_release="new",
        commit="c",
        from_releases=running,
        files=(),
        change_class="none",
        schema="",
        dependencies="unchanged",
        order=order,
        first_due_ms={},
        stays=(),
        refusals=(),
    )


def test_nothing_changes_only_where_every_slot_asked_for_runs_it_already() -> None:
    assert changes_nothing(make_plan(("a", "b"), {"new": ("a", "b")}))
    assert changes_nothing(make_plan(("a",), {"new": ("a",), "old": ("b",)}))
    assert not changes_nothing(make_plan(("a", "b"), {"new": ("a",), "old": ("b",)}))
    assert not changes_nothing(make_plan((), {}))
