"""The table of environment variables that our processes do not get, and why."""

from enum import StrEnum
from typing import Final, NamedTuple


class Fate(StrEnum):
    DROPPED = "dropped"
    KEPT_IF_THERE = "kept if the file exists"


class Rule(NamedTuple):
    """One decision; a name that ends in `*` is a prefix. Upper and lower case are one name.

    Of the standard library alone: it is read before any other package is imported.
    """

    names: tuple[str, ...]
    fate: Fate
    reader: str
    why: str


RULES: Final = (
    Rule(
        names=(
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "FTP_PROXY",
            "WS_PROXY",
            "WSS_PROXY",
            "SOCKS_PROXY",
            "GRPC_PROXY",
            "NO_GRPC_PROXY",
            "NO_PROXY",
        ),
        fate=Fate.DROPPED,
        reader="httpx, requests, gRPC, websockets",
        why="every address is loopback; a proxy cannot reach it",
    ),
    Rule(
        names=("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        fate=Fate.KEPT_IF_THERE,
        reader="httpx, requests",
        why="a client fails to start when the file is missing",
    ),
    Rule(
        names=("SSLKEYLOGFILE",),
        fate=Fate.DROPPED,
        reader="ssl",
        why="it writes the keys of every connection to a file",
    ),
    Rule(
        names=("NETRC",),
        fate=Fate.DROPPED,
        reader="requests",
        why="a password from there would replace Ray's token; ~/.netrc is not read either",
    ),
    Rule(
        names=(
            "PYTHONPATH",
            "PYTHONHOME",
            "PYTHONSTARTUP",
            "PYTHONSAFEPATH",
            "PYTHONPLATLIBDIR",
            "PYTHONUSERBASE",
            "PYTHONEXECUTABLE",
            "PYTHONCASEOK",
            "PYTHONPYCACHEPREFIX",
        ),
        fate=Fate.DROPPED,
        reader="Python",
        why="other modules than the release's would be imported",
    ),
    Rule(
        names=(
            "PYTHONOPTIMIZE",
            "PYTHONWARNINGS",
            "PYTHONINSPECT",
            "PYTHONDEBUG",
            "PYTHONVERBOSE",
            "PYTHONBREAKPOINT",
            "PYTHONDEVMODE",
            "PYTHONHASHSEED",
            "PYTHONINTMAXSTRDIGITS",
            "PYTHONMALLOC",
            "PYTHONMALLOCSTATS",
            "PYTHONTRACEMALLOC",
            "PYTHONFAULTHANDLER",
            "PYTHONASYNCIODEBUG",
            "PYTHONPROFILEIMPORTTIME",
            "PYTHONNODEBUGRANGES",
            "PYTHONDUMPREFS",
            "PYTHONDUMPREFSFILE",
            "PYTHONTHREADDEBUG",
            "PYTHONPERFSUPPORT",
            "PYTHONWARNDEFAULTENCODING",
            "PYTHON_*",
        ),
        fate=Fate.DROPPED,
        reader="Python",
        why="it changes what the code does: no asserts, warnings as errors, output in between",
    ),
    Rule(
        names=("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONCOERCECLOCALE", "PYTHONLEGACY*"),
        fate=Fate.DROPPED,
        reader="Python",
        why="all texts and file names are UTF-8: PYTHONUTF8=1 is set instead",
    ),
    Rule(
        names=("LANG", "LANGUAGE", "LC_*", "LOCPATH"),
        fate=Fate.DROPPED,
        reader="libc",
        why="a locale that is not installed ends C++ programs: LC_ALL=C.UTF-8 is set instead",
    ),
    Rule(
        names=(
            "VIRTUAL_ENV",
            "VIRTUAL_ENV_PROMPT",
            "CONDA_*",
            "UV_*",
            "PIPENV_*",
            "POETRY_*",
            "PYENV_*",
            "__PYVENV_LAUNCHER__",
        ),
        fate=Fate.DROPPED,
        reader="Ray, uv, conda",
        why="they name another environment than the one that runs",
    ),
    Rule(
        names=("PIP_*",),
        fate=Fate.DROPPED,
        reader="pip",
        why="nothing is installed while the fleet runs",
    ),
    Rule(
        names=("GIT_*",),
        fate=Fate.DROPPED,
        reader="git",
        why="inside a hook they name another repository or index; the commit is asked of our tree",
    ),
    Rule(
        names=("RAY_*",),
        fate=Fate.DROPPED,
        reader="Ray",
        why="they name another cluster or change its limits; ours are set by `head_environment`",
    ),
    Rule(
        names=("MIDSTRIDE_OWNER",),
        fate=Fate.DROPPED,
        reader="midstride",
        why="the mark of another fleet's processes",
    ),
    Rule(
        names=("TMPDIR", "TEMP", "TMP"),
        fate=Fate.KEPT_IF_THERE,
        reader="Python, Ray",
        why="a folder that is gone would fail the first temporary file",
    ),
    Rule(
        names=(
            "XDG_RUNTIME_DIR",
            "DBUS_SESSION_BUS_ADDRESS",
            "SSH_*",
            "NOTIFY_SOCKET",
            "LISTEN_*",
            "WATCHDOG_*",
            "BASH_ENV",
            "ENV",
            "BASH_FUNC_*",
            "CDPATH",
            "PROMPT_COMMAND",
        ),
        fate=Fate.DROPPED,
        reader="sh, systemd, ssh",
        why="it belongs to one session or unit; the fleet outlives it",
    ),
)
"""What is in no rule is kept: PATH, HOME, TZ, TERM, NO_COLOR, LD_PRELOAD, OMP_*, MALLOC_* and what
a configuration names (`private_key_env`)."""
