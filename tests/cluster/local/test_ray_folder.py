import os
import shlex
from pathlib import Path

import pytest

import cluster.local.ray_folder as module
from cluster.errors import ClusterError
from cluster.local.ray_folder import (
    PLACES,
    RAY_SOCKET_TAIL,
    SESSIONS_KEPT,
    SOCKET_PATH_LIMIT,
    make_ray_folder,
    plain_path,
    prune_sessions,
    ray_folder,
)
from cluster.local.ray_logs import causes, read_logs

LARGEST_UID = 2**32 - 2


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "PLACES", (tmp_path / "first", tmp_path / "second"))
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    return tmp_path / "first"


@pytest.mark.parametrize("root", ["/s", "/people/bartholomew/.local/state/midstride", "/x" * 500])
def test_rays_sockets_fit_whatever_the_home_folder_and_the_user_are(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: LARGEST_UID)
    for place in PLACES:
        monkeypatch.setattr(module, "PLACES", (place,))
        path = os.fsencode(f"{ray_folder(Path(root))}{RAY_SOCKET_TAIL}")
        assert len(path) <= SOCKET_PATH_LIMIT


def test_two_state_folders_have_two_folders_and_each_keeps_its_own() -> None:
    assert ray_folder(Path("/a")) == ray_folder(Path("/a"))
    assert ray_folder(Path("/a")) != ray_folder(Path("/b"))


def test_the_folder_is_private_also_where_it_was_open(place: Path) -> None:
    (place / f"midstride-{os.getuid()}").mkdir(mode=0o777)
    make_ray_folder(Path("/s"))
    folder = ray_folder(Path("/s"))
    assert folder.is_relative_to(place)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("squatter", ["file", "link", "link to nowhere"])
def test_what_another_laid_there_is_not_followed(place: Path, squatter: str) -> None:
    mine = place / f"midstride-{os.getuid()}"
    if squatter == "file":
        mine.write_text("")
    else:
        target = place.parent / "elsewhere"
        if squatter == "link":
            target.mkdir()
        mine.symlink_to(target)
    make_ray_folder(Path("/s"))
    assert ray_folder(Path("/s")).is_relative_to(place.parent / "second")


def test_another_users_folder_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    for name in ("first", "second"):
        (place.parent / name / f"midstride-{uid + 1}").mkdir()
    with pytest.raises(ClusterError, match="belongs to another user"):
        make_ray_folder(Path("/s"))


def test_ten_starts_leave_the_logs_of_the_last_few_and_no_packages(place: Path) -> None:
    make_ray_folder(Path("/s"))
    folder = ray_folder(Path("/s"))
    for number in range(10):
        prune_sessions(Path("/s"))
        session = folder / f"session_2026-01-01_00-00-0{number}_000000_7"
        for name in ("logs", "runtime_resources", "sockets"):
            (session / name).mkdir(parents=True)
        (folder / "session_latest").symlink_to(session)
        (folder / "other").mkdir(exist_ok=True)
        assert len(list(folder.glob("session_2*"))) <= SESSIONS_KEPT + 1
    assert (folder / "other").is_dir()
    prune_sessions(Path("/s"))
    left = sorted(entry.name for entry in folder.glob("session_2*"))
    assert left == [f"session_2026-01-01_00-00-0{number}_000000_7" for number in (7, 8, 9)]
    assert {path.name for path in folder.glob("session_2*/*")} == {"logs"}


SEEN = {
    "ray-head.log": (
        "2026-11-30 06:28:46,185 ERR scripts.py:128 -- ----- END ray_client_server.err\n"
        "RuntimeError: Timed out waiting for node info for node_id=a52.\n"
        "2026-11-30 06:28:46,185 ERR scripts.py:1315 -- Remaining processes will be killed.\n"
    ),
    "dashboard_MetricsHead.log": (
        "Traceback (most recent call last):\n"
        "OSError: validate_socket_filename failed: AF_UNIX path length cannot exceed 107 bytes\n"
        "OSError: validate_socket_filename failed: AF_UNIX path length cannot exceed 107 bytes\n"
    ),
    "gcs_server.out": "[2026-11-30 06:28:40,000 I 7 7] (gcs_server) started\n",
}


@pytest.mark.parametrize(
    "line",
    [
        "OSError: [Errno 28] No space left on device: '/x'",
        "OSError: [Errno 24] Too many open files",
        "BlockingIOError: [Errno 11] Resource temporarily unavailable",
        "[2026-11-30 06:00:00,1 E 7 7] bind: Address already in use",
        "ConnectionError: Ray is trying to start at 127.0.0.1:1, but is already running at ...",
        "PermissionError: [Errno 13] Permission denied: '/tmp/x'",
    ],
)
def test_a_failed_start_names_its_cause_and_the_log_that_says_so(line: str) -> None:
    (said,) = causes({**SEEN, "dashboard_MetricsHead.log": line})
    assert said.startswith("dashboard_MetricsHead.log: ")
    assert line.rsplit("] ", maxsplit=1)[-1][-20:] in said


def test_the_cause_is_said_once_and_not_what_follows_from_it() -> None:
    (said,) = causes(SEEN)
    assert "AF_UNIX path length" in said
    assert causes({}) == []


def test_all_logs_of_the_last_session_are_read(tmp_path: Path) -> None:
    logs = tmp_path / "ray" / "session_latest" / "logs"
    logs.mkdir(parents=True)
    (logs / "raylet.err").write_bytes(b"\xff" + b"x" * 300_000 + b"OSError: No space left")
    (tmp_path / "head.log").write_text("fine")
    found = read_logs(tmp_path / "head.log", tmp_path / "ray")
    assert list(found) == ["head.log", "raylet.err"]
    (said,) = causes(found)
    assert said.startswith("raylet.err: ")
    assert said.endswith("OSError: No space left")


def test_an_environment_under_a_path_with_blanks_is_reached_by_a_link_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.local.ray_folder.PLACES", (tmp_path,))
    plain = tmp_path / "plain"
    assert plain_path(plain) == plain
    for name in ("mon été", "a$b", "it's", "(1)"):
        environment = tmp_path / name
        environment.mkdir()
        link = plain_path(environment)
        assert link == plain_path(environment)
        assert link.readlink() == environment
        assert shlex.quote(str(link)) == str(link)
    (tmp_path / f"midstride-{os.getuid()}").rename(tmp_path / "gone")
    (tmp_path / f"midstride-{os.getuid()}").write_text("taken")
    assert plain_path(environment) == environment
