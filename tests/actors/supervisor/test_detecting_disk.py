"""A look at the files that processes run from: hashed from outside, known by a process's life."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from actors.runtime import life_id
from actors.supervisor import detecting as module
from actors.supervisor.detecting import root_of
from actors.supervisor.sightings import Process
from checkpoints.process_id import ProcessId
from checkpoints.release import release_of
from checkpoints.storage import LocalStorage
from tests.actors.supervisor.test_supervisor_step import SLOT
from tests.actors.supervisor.watchers import RELEASE, detecting, fleet, poll


def package(root: Path) -> Path:
    (root / "actors").mkdir(parents=True)
    (root / "actors/x.py").write_text("x = 1\n")
    return root


def works_in(monkeypatch: pytest.MonkeyPatch, life: str, root: Path) -> None:
    """Let the kernel say that one life works in a folder, and nobody else anywhere."""
    monkeypatch.setattr(
        module, "root_of", lambda process: str(root) if process.life == life else None
    )


def test_files_edited_under_a_living_process_are_named_by_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = package(tmp_path / "pkg_7")
    works_in(monkeypatch, "7-7", tree)
    one = detecting(tmp_path)
    release = one._disk.release_at(str(tree))
    LocalStorage(tmp_path).write(f"releases/{RELEASE}.zip", b"")
    watch = fleet()
    watched = watch.state.slots[SLOT]
    same = msgspec.structs.replace(watched, release=release)
    assert watched.status is not None
    same = msgspec.structs.replace(
        same, status=msgspec.structs.replace(watched.status, release=release)
    )
    granted = msgspec.structs.replace(watch.state.owners[SLOT], release=release)
    watch.state = msgspec.structs.replace(
        watch.state, slots={SLOT: same}, owners={SLOT: granted}, history={}
    )
    assert poll(one, watch) == []
    (tree / "actors/x.py").write_text("x = 2\n")
    poll(one, watch)
    assert poll(one, watch) == ["code_changed_on_disk/pkg_7"]


def test_an_actor_that_changed_hands_is_not_held_against_its_predecessors_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = package(tmp_path / "pkg_7")
    works_in(monkeypatch, "5-5", tree)
    one, watch = detecting(tmp_path), fleet()
    before = one._disk.release_at(str(tree))
    for release in (before, RELEASE):
        LocalStorage(tmp_path).write(f"releases/{release}.zip", b"")

    def gateway(life: str, release: str | None) -> None:
        served = watch.state.shared["gateway"]
        served = msgspec.structs.replace(served, life=life, release=release)
        shared = {**watch.state.shared, "gateway": served}
        watch.state = msgspec.structs.replace(watch.state, shared=shared)

    gateway("5-5", before)
    assert poll(one, watch) == []
    gateway("9-9", RELEASE)  # the next hashing is some looks away
    assert poll(one, watch) == []


def test_the_files_of_a_real_process_are_hashed_from_outside(tmp_path: Path) -> None:
    tree = package(tmp_path / "pkg_8")
    child = subprocess.Popen([sys.executable, "-c", "input()"], cwd=tree, stdin=subprocess.PIPE)
    try:
        life = ProcessId.of(child.pid).life
        process = Process(subject="btc-5m/1", life=life, node_id="n", told_root="elsewhere")
        one = detecting(tmp_path)
        before = one._hashed((process,))[life]
        assert (before.root, before.release) == (str(tree), release_of(tree, "").release)
        (tree / "actors/x.py").write_text("x = 2\n")
        assert one._hashed((process,))[life].release != before.release
        assert one._hashed((msgspec.structs.replace(process, node_id="other"),)) == {}
    finally:
        child.kill()
        child.communicate()
    assert one._hashed((process,)) == {}, "it is gone"


def test_a_process_is_looked_at_where_the_kernel_says_that_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = str(tmp_path / "told")
    me = Process(subject="me", life=life_id(), node_id="n", told_root=told)
    (tmp_path / "actors").mkdir()
    monkeypatch.chdir(tmp_path)
    assert root_of(me) == str(tmp_path)
    (tmp_path / "actors").rmdir()
    assert root_of(me) == told
    gone = msgspec.structs.replace(me, life=f"{os.getpid()}-1")
    assert root_of(gone) is None


# ---- who is there, and what was planned -------------------------------------------------------
