"""A whole fleet of a bench's own: a copy of the tree, real sandbox, own Ray head, sixteen slots.

The copy is what runs, so a bench may edit a factor in it and roll that out while others edit the
original. Everything ends with the block: processes, folders, ports.
"""

import itertools
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from actors.directory import serving
from actors.gateway.status import FenceTable
from actors.shared_kind import Kind
from checkpoints.release_files import PACKAGES
from checkpoints.storage import LocalStorage
from cluster.fleet import Call, RayLink, ask_one, connect
from cluster.local.ending import leave
from cluster.local.head import gcs_address, head_environment
from cluster.local.state_folder import StateFolder
from signals.market import DEFAULT_SLOTS
from tests.bench.frame import ROOT

PORTS: Final = range(20_000, 32_000, 4)
"""Outside Ray's workers and the kernel's own choice."""
START_SECONDS: Final = 420.0
STOP_SECONDS: Final = 180.0
ALL: Final = tuple(str(slot) for slot in DEFAULT_SLOTS)
_COPIED: Final = (*PACKAGES, "requirements.lock", "pyproject.toml", ".rayignore")
_TOKEN: Final = os.environ.get("RAY_AUTH_TOKEN") or secrets.token_hex(32)
"""One for all fleets of this process: Ray reads its token once."""
_Found = TypeVar("_Found")
_IGNORED: Final = shutil.ignore_patterns("__pycache__", "*.pyc")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a bench wants of its fleet."""

    slots: tuple[str, ...] = ALL
    strategy: str = "five_factor"
    strategy_text: str | None = None
    """Source of a strategy of the bench's own, added to the copied tree under that name."""
    offsets_ms: tuple[int, ...] = (20_000,)
    speed: int = 1


class Rig(msgspec.Struct, frozen=True, kw_only=True):
    tree: Path
    state: StateFolder
    link: RayLink | None

    @property
    def storage(self) -> LocalStorage:
        return LocalStorage(self.state.storage)

    @property
    def address(self) -> str:
        return gcs_address(self.state.read_run().ports)

    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        return kept | head_environment(self.state)

    def fences(self) -> FenceTable:
        assert self.link is not None
        data = ask_one(self.link, Call(serving(self.storage, Kind.GATEWAY), "fences"))
        return msgspec.msgpack.decode(data, type=FenceTable)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start one of the operator's commands from the copied tree."""
        return subprocess.Popen(
            [sys.executable, "-m", "cluster", *arguments, f"--state={self.state.root}"],
            cwd=self.tree,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def call(self, limit_seconds: float, *arguments: str) -> str:
        """Run a command to its end; raise with its last lines if it failed."""
        with self.begin(*arguments) as child:
            said, _ = child.communicate(timeout=limit_seconds)
        assert child.returncode == 0, said[-2_000:]
        return said

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.tree / file
        text = path.read_text()
        assert old in text, f"{file} does not hold {old!r}"
        path.write_text(text.replace(old, new))


@contextmanager
def fleet(wish: Wish, *, joined: bool = True) -> Iterator[Rig]:
    """Bring a fleet up; with `joined` this process may ask its actors."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ms-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        tree = _copy_tree(folder / "tree", wish)
        state = StateFolder(folder / "s")
        _give_token(state)
        rig = Rig(tree=tree, state=state, link=None)
        stack.callback(_stop, rig)
        config = folder / "bench.toml"
        config.write_text(_config(wish))
        port = free_ports()
        run = ("run", "--detach", "--fresh", f"--config={config}", f"--speed={wish.speed}")
        rig.call(START_SECONDS, *run, f"--head-port={port}")
        if joined:
            link = connect(state, state.read_run().ports)
            stack.callback(leave)
            rig = msgspec.structs.replace(rig, link=link)
        yield rig


def _give_token(state: StateFolder) -> None:
    """Put the token where the head and we look for it; Ray must not have looked elsewhere."""
    state.token.parent.mkdir(mode=0o700)
    state.token.touch(mode=0o600)
    state.token.write_text(_TOKEN)


def _stop(rig: Rig) -> None:
    rig.call(STOP_SECONDS, "stop")
    shutil.rmtree(rig.state.ray, ignore_errors=True)


def _copy_tree(tree: Path, wish: Wish) -> Path:
    tree.mkdir()
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=_IGNORED)
        else:
            shutil.copy2(source, tree / name)
    if wish.strategy_text is not None:
        file = tree / "signals" / "strategies" / f"{wish.strategy}.py"
        file.write_text(wish.strategy_text)
    return tree


def _config(wish: Wish) -> str:
    """Write the sandbox's configuration for the wished slots and schedule."""
    text = (ROOT / "cluster" / "configs" / "sandbox.toml").read_text()
    head, _, rest = text.partition("[slots]")
    params = rest[rest.index("# Coefficients") :]
    slots = "\n".join(f"{slot} = {{}}" for slot in wish.slots)
    head = head.replace('strategy = "five_factor"', f'strategy = "{wish.strategy}"')
    offsets = f"decision_offsets_ms = {list(wish.offsets_ms)}  #"
    head = head.replace("decision_offsets_ms = [20_000]", offsets)
    assert offsets in head
    return f"{head}[slots]\n{slots}\n\n{params}"


def free_ports() -> int:
    """Return the first of four free ports on loopback."""
    start = os.getpid() % len(PORTS)
    for port in itertools.chain(PORTS[start:], PORTS[:start]):
        if all(_free(number) for number in range(port, port + 4)):
            return port
    raise AssertionError("no four free ports in a row")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def until(met: Callable[[], _Found], what: str, limit_seconds: float) -> _Found:
    end = time.monotonic() + limit_seconds
    while not (found := met()):
        assert time.monotonic() < end, f"waited {limit_seconds} s for {what}"
        time.sleep(0.1)
    return found


def spaced(every_ms: int, of_ms: int = 300_000) -> tuple[int, ...]:
    """Return the offsets of decision points that are evenly spaced in a cycle."""
    return tuple(range(0, of_ms, every_ms))
