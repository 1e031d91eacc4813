"""A stranger's first minute: a fresh clone, a login name of ten letters, a hard HOME, no locale.

The whole terminal output is printed with the time of each line, then what each part took.
"""

import os
import pwd
import random
import re
import shutil
import string
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.rolling_update.fleet import free_ports

ROOT = Path(__file__).resolve().parents[2]
NAME_LETTERS = 10
SECONDS_LIVE = int(os.environ.get("MIDSTRIDE_STRANGER_SECONDS", "60"))
SECONDS_MAX = 1_200.0
"""Wire. Packages may come from far away, and the machine may have other work."""
ENVIRONMENT, EXCHANGE, HEAD, SLOTS = "environment", "exchange", "Ray head", "sixteen slots live"
PARTS = {
    ENVIRONMENT: re.compile(r"prepared in "),
    EXCHANGE: re.compile(r"sandbox exchange on port"),
    HEAD: re.compile(r"Ray dashboard:"),
    SLOTS: re.compile(r"16 slots live"),
}
"""The line that shows that a part is over."""
PACKAGE_SOURCES = ("PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "UV_INDEX_URL")

pytestmark = [
    pytest.mark.nemesis,
    pytest.mark.timeout(1_500),
    pytest.mark.skipif(os.geteuid() != 0, reason="makes a user of its own: only root can"),
    pytest.mark.skipif(
        not all(map(shutil.which, ("useradd", "userdel", "runuser", "git", "make"))),
        reason="needs useradd, userdel, runuser, git and make",
    ),
]
Line = tuple[float, str]


@pytest.fixture
def stranger() -> Iterator[pwd.struct_passwd]:
    """Make a user whose name has ten letters; remove it and its files."""
    ending = "".join(random.SystemRandom().choices(string.ascii_lowercase, k=2))
    name = f"newcomer{ending}"
    assert len(name) == NAME_LETTERS
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", name], check=True)
    user = pwd.getpwnam(name)
    try:
        yield user
        assert not processes_of(user), "processes were left behind"
    finally:
        for process in processes_of(user):
            os.kill(int(process.name), 9)
        subprocess.run(["userdel", "--remove", name], check=True, capture_output=True)


def processes_of(user: pwd.struct_passwd) -> list[Path]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.stat().st_uid == user.pw_uid and (entry / "cmdline").read_bytes():
                found.append(entry)
        except OSError:
            continue
    return found


def clone(home: Path, user: pwd.struct_passwd) -> Path:
    tree = home / "midstride"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(tree)], check=True)
    subprocess.run(["chown", "-R", f"{user.pw_uid}:{user.pw_gid}", str(home)], check=True)
    return tree


def run_as(
    user: pwd.struct_passwd, home: Path, tree: Path, words: Sequence[str]
) -> tuple[int, list[Line]]:
    """Run a command with next to no environment; return its exit code and its lines, timed."""
    runuser = shutil.which("runuser") or "runuser"  # in no PATH of a user
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TERM": "dumb",
        **{name: os.environ[name] for name in PACKAGE_SOURCES if name in os.environ},
    }
    lines: list[Line] = []
    began = time.monotonic()
    with subprocess.Popen(
        [runuser, "-u", user.pw_name, "--", "env", f"HOME={home}", *words],
        cwd=tree,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as child:
        assert child.stdout is not None
        for text in child.stdout:
            lines.append((time.monotonic() - began, text.rstrip("\n")))
            print(f"{lines[-1][0]:7.1f} s  {lines[-1][1]}", flush=True)
            assert lines[-1][0] < SECONDS_MAX
    lines.append((time.monotonic() - began, f"exit code {child.returncode}"))
    return child.returncode, lines


def parts(lines: Sequence[Line]) -> dict[str, float]:
    """Return when each part was over, in seconds from the start."""
    found: dict[str, float] = {}
    for seconds, text in lines:
        for part, shape in PARTS.items():
            if part not in found and shape.search(text):
                found[part] = seconds
    return found


def test_make_run_in_a_fresh_clone_of_a_stranger(stranger: pwd.struct_passwd) -> None:
    home = Path(stranger.pw_dir) / "mon été"
    tree = clone(home, stranger)
    ports = free_ports()
    words = ["make", "run", f"FOR={SECONDS_LIVE}", f"RUN_OPTIONS=--for {SECONDS_LIVE}"]
    words[-1] += f" --head-port {ports}"
    code, lines = run_as(stranger, home, tree, words)
    assert code == 0, "\n".join(text for _, text in lines)
    over = parts(lines)
    assert list(over) == list(PARTS)
    before = 0.0
    for part, seconds in over.items():
        print(f"{part}: {seconds - before:.1f} s")
        before = seconds
    print(f"from clone to sixteen live slots: {before:.1f} s")
    print(f"from `run` to sixteen live slots: {before - over[ENVIRONMENT]:.1f} s")
