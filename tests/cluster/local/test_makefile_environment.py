"""`make` and the environments in .venvs: what builds one, what uses it, what removes it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.local.jobs import WORKING_TREE

FAKE = """#!/bin/sh
# A Python that makes an environment of itself and installs nothing.
case "$*" in
*"-m venv "*)
  for folder in "$@"; do :; done
  mkdir -p "$folder/bin"; cp "$0" "$folder/bin/python";;
*"-m pip install"*) echo "install PIP_TARGET=$PIP_TARGET PIP_USER=$PIP_USER" >>"$LOG" ;;
*"-m cluster"*) echo "cluster $0 $*" >>"$LOG" ;;
esac
"""


WITHOUT_UV = os.pathsep.join(
    folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "uv").exists()
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a checkout with the Makefile, a lock and a Python that only writes down its calls."""
    tree = tmp_path / "a checkout"
    (tree / ".ci").mkdir(parents=True)
    shutil.copy(WORKING_TREE / "Makefile", tree)
    shutil.copy(WORKING_TREE / ".ci" / "venv", tree / ".ci")
    (tree / "requirements.lock").write_text("one==1\n")
    (tree / "requirements-dev.lock").write_text("two==1\n")
    (tree / "midstride").write_text("#!/bin/sh\n")
    (tree / "python").write_text(FAKE)
    (tree / "python").chmod(0o755)
    return tree


def make(tree: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    log = tree / "log"
    log.unlink(missing_ok=True)
    done = subprocess.run(
        [
            "make",
            *words,
            f"PYTHON={tree / 'python'}" if " " not in str(tree) else "PYTHON=./python",
        ],
        cwd=tree,
        env={"PATH": WITHOUT_UV, "LOG": str(log), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, log.read_text() if log.exists() else "", done.stderr


def test_run_builds_the_environment_once(tree: Path) -> None:
    code, log, _ = make(tree, "run", PIP_TARGET="/elsewhere", PIP_USER="1")
    assert code == 0
    assert "install PIP_TARGET= PIP_USER=0" in log
    assert (tree / ".venv").is_symlink()
    code, log, said = make(tree, "run")
    assert (code, "install" in log, said) == (0, False, "")


def test_uv_installs_where_it_is_found_and_the_program_is_linked(tree: Path) -> None:
    (tree / "bin").mkdir()
    (tree / "bin" / "uv").write_text('#!/bin/sh\necho "uv $*" >>"$LOG"\n')
    (tree / "bin" / "uv").chmod(0o755)
    code, log, said = make(tree, "run", PATH=f"{tree / 'bin'}{os.pathsep}{WITHOUT_UV}")
    assert code == 0, said
    assert "uv pip install --python .venvs/" in log
    assert "--require-hashes --no-deps -r requirements.lock" in log
    assert (tree / ".venv" / "bin" / "midstride").resolve() == tree / "midstride"
    assert "prepared in" in said


def test_what_tests_need_is_added_once_and_only_for_them(tree: Path) -> None:
    make(tree, "run")
    code, log, said = make(tree, "dev")
    assert (code, log.count("install")) == (0, 1), said
    code, log, _ = make(tree, "dev")
    assert (code, log) == (0, "")
    (tree / "requirements-dev.lock").write_text("two==2\n")
    code, log, _ = make(tree, "run")
    assert "install" not in log, "a user's start adds nothing for tests"
    assert make(tree, "dev")[1].count("install") == 1


@pytest.mark.parametrize("target", ["stop", "status", "update"])
def test_what_asks_or_ends_a_fleet_installs_nothing(tree: Path, target: str) -> None:
    code, log, said = make(tree, target)
    assert code != 0
    assert log == ""
    assert "midstride run" in said
    make(tree, "run")
    before = sorted(path.name for path in (tree / ".venvs").iterdir())
    (tree / "requirements.lock").write_text("one==2\n")
    code, log, _ = make(tree, target)
    assert (code, "install" in log, f"cluster {target}" in log) == (0, False, True)
    assert sorted(path.name for path in (tree / ".venvs").iterdir()) == before


def test_a_changed_lock_builds_beside_what_runs_and_removes_what_nothing_runs_in(
    tree: Path,
) -> None:
    make(tree, "run")
    first = (tree / ".venv").resolve()
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)", f"{first}/bin/python"]
    runs = subprocess.Popen(sleeper)
    try:
        (tree / "requirements.lock").write_text("one==2\n")
        assert make(tree, "run")[0] == 0
        second = (tree / ".venv").resolve()
        assert second != first
        assert first.exists()
    finally:
        runs.kill()
        runs.wait()
    (tree / "requirements.lock").write_text("one==3\n")
    assert make(tree, "run")[0] == 0
    assert not first.exists()
    assert not second.exists()


def test_an_environment_that_was_not_finished_is_made_anew(tree: Path) -> None:
    make(tree, "run")
    (tree / ".venv" / ".made-from-lock").unlink()
    _, log, _ = make(tree, "run")
    assert "install" in log


def test_a_renamed_and_a_copied_checkout_use_their_own_environment(tree: Path) -> None:
    make(tree, "run")
    moved = tree.rename(tree.with_name("moved"))
    copied = Path(shutil.copytree(moved, tree.with_name("copied"), symlinks=True))
    for checkout in (moved, copied):
        code, log, _ = make(checkout, "run")
        assert (code, "install" in log) == (0, False)
        assert (checkout / ".venv").resolve().is_relative_to(checkout)


def test_no_script_of_the_environment_is_called_by_its_path() -> None:
    """Their first line names the folder in which they were installed."""
    for file in ("Makefile", ".ci/run", ".ci/venv"):
        text = (WORKING_TREE / file).read_text(encoding="utf-8")
        assert "venv/bin/" not in text.replace("venv/bin/python", "").replace(
            "$(VENV)/bin/python", ""
        )


def test_packages_are_counted_while_pip_still_collects(tree: Path) -> None:
    """The fake pip goes on only when the count of what it told so far was shown."""
    (tree / "requirements.lock").write_text("".join(f"p{i}==1\n" for i in range(40)))
    collects = 'for i in $(seq 20); do echo "Collecting p"; done; read -r _ <go; echo done'
    fake = FAKE.replace('*"-m pip install"*) ', f'*"-m pip install"*) {collects};')
    (tree / "python").write_text(fake)
    os.mkfifo(tree / "go")
    with subprocess.Popen(
        ["make", "venv", "PYTHON=./python"],
        cwd=tree,
        env={"PATH": WITHOUT_UV, "LOG": str(tree / "log")},
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None
        assert any("20 of 40 packages" in line for line in child.stderr)
        (tree / "go").write_text("go\n")
        said = child.stderr.read()
    assert child.returncode == 0, said
