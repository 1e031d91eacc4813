"""What our processes read of the shell, the git hook, the container or the unit that started them.

`child_environment` is the one place that decides. The front door cleans its own environment with
it, so everything that it starts (exchange, Ray head, jobs, actors) inherits the clean one. The
fleet talks to loopback only, in plain HTTP, so a proxy, a certificate bundle or a `.netrc` can do
nothing for it and has broken such programs. docs/environment.md lists the same table for people.
"""

import os
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NoReturn

from actors.ray_job import JOB_MARK
from cluster.local.environment_rules import RULES, Fate, Rule

FILES_WANTED: Final = 65_536
FILES_MIN: Final = 1_024
"""Raylet and GCS hold several sockets for each of 20 actors; a head with 256 files starves."""
FILES_PER_SLOT: Final = 48
"""Of a larger fleet."""
COLUMNS_MIN: Final = 20
"""A narrower table has no room for one column; such a value is a mistake of the shell's."""

SET: Final = {
    "PYTHONUTF8": "1",
    "LC_ALL": "C.UTF-8",
    "NO_PROXY": "127.0.0.1,localhost,::1",
    "no_proxy": "127.0.0.1,localhost,::1",
    "NETRC": os.devnull,
    "GIT_OPTIONAL_LOCKS": "0",
}


def child_environment(
    given: Mapping[str, str], exists: Callable[[str], bool] = os.path.exists
) -> dict[str, str]:
    """Return the environment that every process of ours gets; cleaned twice it stays the same."""
    kept = {name: value for name, value in given.items() if _is_kept(name, value, exists)}
    return {**kept, **SET}


def _is_kept(name: str, value: str, exists: Callable[[str], bool]) -> bool:
    rule = rule_of(name)
    if rule is None:
        return name not in {"COLUMNS", "LINES"} or _is_size(value)
    return rule.fate is Fate.KEPT_IF_THERE and exists(value)


def rule_of(name: str) -> Rule | None:
    """Return the rule that decides a variable, in whatever case it is written."""
    upper = name.upper()
    return next((rule for rule in RULES if any(_names(n, upper) for n in rule.names)), None)


def _names(pattern: str, name: str) -> bool:
    prefix = pattern.removesuffix("*")
    return name.startswith(prefix) if prefix != pattern else name == pattern


def _is_size(value: str) -> bool:
    return value.isascii() and value.isdigit() and int(value) >= COLUMNS_MIN


FLAGS: Final = ("-P", "-E", "-s", "-X", "utf8")
"""No folder and no variable of the caller's decides what is imported; file names are UTF-8."""
ENTER: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from cluster.local.environment import settle; settle(sys.argv[1:]); "
    "from cluster.__main__ import run; sys.exit(run())"
)
_front_door: list[list[str]] = []
"""The words of the command, once this process is one."""


def settle(arguments: list[str]) -> None:
    """Prepare this process, once, before a command runs: environment, umask, files, streams.

    What Python itself read at its start cannot be taken back, so it is started again without it.
    """
    _front_door.append(arguments)
    _open_closed_streams()
    os.umask(0o077)
    _raise_file_limit()
    if JOB_MARK in os.environ:
        return  # the environment is the head's, cleaned before
    clean = child_environment(os.environ)
    if not sys.flags.ignore_environment and _misread(os.environ):
        _start_again(sys.executable, arguments, clean)
    os.environ.clear()
    os.environ.update(clean)


def _misread(given: Mapping[str, str]) -> bool:
    """Tell whether Python read something at its start that it should not have."""
    return sys.getfilesystemencoding() != "utf-8" or any(
        (rule := rule_of(name)) is not None and rule.reader == "Python" and name not in SET
        for name in given
    )


def _start_again(python: str, arguments: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the same command anew, from whatever folder it was called in."""
    command = [python, *FLAGS, "-c", ENTER, str(Path(__file__).resolve().parents[2]), *arguments]
    os.execve(python, command, dict(environment))  # noqa: S606 the same program, no shell


def _open_closed_streams() -> None:
    """Give a process that was started with closed streams (`2>&-`, some units) silent ones."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the kernel gives the lowest free number
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def interpreter() -> str:
    """Return this environment's Python by its real folder.

    `.venv` is a link that moves to a new environment when the lock changes; what runs stays in the
    one that it was started from. A folder with blanks in its path is reached by a link without.
    """
    from cluster.local.ray_folder import plain_path

    inside = plain_path(Path(sys.prefix).resolve()) / "bin" / "python"
    return str(inside) if inside.exists() else sys.executable


def continue_in(python: str) -> None:
    """Go on as the same command in another environment: the one in which its fleet runs.

    After a changed lock `.venv` is a new one, and a head is asked in its own.
    """
    if not _front_door or not python or python == interpreter() or not Path(python).exists():
        return
    _start_again(python, _front_door[0], os.environ)


def ray_program() -> list[str]:
    """Return Ray's command line; its script in `bin` names the folder that it was installed in."""
    return [interpreter(), "-m", "ray.scripts.scripts"]


def file_limit_problem(slots: int = 0) -> str | None:
    """Return why the Ray of so many slots would starve here, or None."""
    needed = max(FILES_MIN, slots * FILES_PER_SLOT)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return None
    return (
        f"this shell allows {soft} open files and Ray needs {needed}: "
        f"`ulimit -Hn {needed}` as an administrator, or LimitNOFILE= of the unit"
    )
