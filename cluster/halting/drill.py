"""A drill of the halt: orders rest on a sandbox of its own, its gateway hangs, the halt proves.

It runs beside a fleet and touches nothing of it: an exchange, a storage and a key of its own in a
folder that goes afterwards. The halt is the very command that a person would type; the exchange's
own books judge it, not the halt's word.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.config import FleetConfig
from actors.runtime import CONFIG_FILE
from checkpoints.errors import DamagedError
from checkpoints.small_file import from_json, read_file
from checkpoints.storage import LocalStorage
from cluster.errors import ClusterError
from cluster.halting.which_config import config_on_a_sandbox
from cluster.local.durable_files import write_durably
from cluster.local.environment import child_environment, interpreter
from cluster.local.findings import Finding, fault, note, ok, warning
from cluster.local.jobs import WORKING_TREE
from cluster.local.private_key import ensure_sandbox_key
from cluster.local.sandbox_process import SandboxOptions, SandboxReady, end_sandbox, ensure_sandbox
from cluster.local.state_folder import StateFolder

RECORD: Final = "halt-drill.json"
"""In the fleet's state folder: how the last drill went."""
ORDERS: Final = 20
START_S_MAX: Final = 90.0
"""Wire, for the orders to rest: imports, and one post after the other."""
HALT_S_MAX: Final = 240.0
ASK_S: Final = 10.0
OLD_MS: Final = 36 * 3_600_000
"""A daily drill that is this old was left out."""
MS_PER_HOUR: Final = 3_600_000


class DrillResult(msgspec.Struct, frozen=True, kw_only=True):
    wire_ms: int
    passed: bool
    said: str
    orders: int = 0
    """That rested when the halt began."""
    last_cancel_ms: int | None = None
    """Wire, from the start of the halt to the last cancel acknowledged."""
    took_ms: int = 0
    """Wire, to the proof."""


def hold(now_ms: int) -> DrillResult:
    """Hold one drill; whatever fails is its result."""
    try:
        with _stage() as (state, ready), _gateway(state) as gateway:
            os.kill(gateway.pid, signal.SIGSTOP)  # it hangs: the halt must end it
            code, told = _halt(state)
            return judge(now_ms, code, told, _open_orders(ready), ended=_ended(gateway))
    except (ClusterError, OSError, subprocess.SubprocessError, ValueError) as error:
        return DrillResult(wire_ms=now_ms, passed=False, said=f"the drill failed: {error}")


def judge(
    now_ms: int, code: int, told: dict[str, Any], still_open: int, *, ended: bool
) -> DrillResult:
    """Compare what the halt says with what the exchange has. Pure."""
    proof = told.get("proof") or {}
    wrong: list[str] = []
    if still_open:
        wrong.append(f"{still_open} orders still rest at the exchange")
    if code != 0 or not proof.get("proven"):
        wrong.append(f"the halt did not prove it (exit {code}): {proof.get('said', 'no answer')}")
    if proof.get("cancelled") != ORDERS:
        wrong.append(f"it cancelled {proof.get('cancelled')} of {ORDERS} orders")
    if not ended:
        wrong.append("the gateway that hangs was not ended")
    return DrillResult(
        wire_ms=now_ms,
        passed=not wrong,
        said="; ".join(wrong) or "nothing rests at the exchange, and the gateway that hung is gone",
        orders=ORDERS,
        last_cancel_ms=proof.get("last_cancel_ms"),
        took_ms=proof.get("took_ms", 0),
    )


@contextmanager
def _stage() -> Iterator[tuple[StateFolder, SandboxReady]]:
    """An exchange, a storage and a key that exist for this drill alone."""
    state = StateFolder(Path(tempfile.mkdtemp(prefix="midstride-drill-")))
    try:
        for folder in (state.storage, state.sandbox, state.logs):
            folder.mkdir(mode=0o700)
        ready = ensure_sandbox(state, SandboxOptions(speed=1, more_timeframes=("4h",)))
        ensure_sandbox_key(state.private_key, used=False)
        config: FleetConfig = config_on_a_sandbox(state)
        LocalStorage(state.storage).write(CONFIG_FILE, msgspec.json.encode(config))
        yield state, ready
    finally:
        end_sandbox(state)
        shutil.rmtree(state.root, ignore_errors=True)


@contextmanager
def _gateway(state: StateFolder) -> Iterator[subprocess.Popen[str]]:
    """Run the stand-in of a gateway until its orders rest; end it whatever happens."""
    command = [interpreter(), "-m", "cluster.halting.drill_gateway", str(state.storage)]
    with (state.logs / "gateway.log").open("wb") as log:
        child = subprocess.Popen(  # noqa: S603 our own module with our own folder
            [*command, str(ORDERS)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=child_environment(os.environ),
            cwd=WORKING_TREE,
        )
    give_up = time.monotonic() + START_S_MAX
    try:
        os.set_blocking(_fileno(child), False)
        while not (child.stdout and child.stdout.readline()):
            if child.poll() is not None or time.monotonic() > give_up:
                said = (state.logs / "gateway.log").read_text(errors="replace").splitlines()[-1:]
                raise ClusterError(f"no orders rest for the drill: {' '.join(said)}")
            time.sleep(0.05)
        yield child
    finally:
        child.kill()
        child.wait()


def _fileno(child: subprocess.Popen[str]) -> int:
    assert child.stdout is not None
    return child.stdout.fileno()


def _ended(gateway: subprocess.Popen[str]) -> bool:
    try:
        gateway.wait(ASK_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _halt(state: StateFolder) -> tuple[int, dict[str, Any]]:
    """Halt as a person does: by the command."""
    done = subprocess.run(  # noqa: S603 our own command
        [
            *(interpreter(), "-m", "cluster", "trading", "halt", "--json"),
            *("--reason", "drill", f"--state={state.root}"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=HALT_S_MAX,
        check=False,
        env=child_environment(os.environ),
        cwd=WORKING_TREE,
    )
    told: dict[str, Any] = json.loads(done.stdout or b"{}")
    return done.returncode, told


def _open_orders(ready: SandboxReady) -> int:
    """Count what the exchange's own books hold open."""
    url = f"{ready.urls['admin_url']}/state"
    with urllib.request.urlopen(url, timeout=ASK_S) as answer:  # noqa: S310 loopback, our own
        accounts = json.loads(answer.read())["accounts"]
    return sum(len(account["open_orders"]) for account in accounts)


# ---- the record -------------------------------------------------------------------------------


def keep(state: StateFolder, result: DrillResult) -> None:
    """Write down how it went; raise `ClusterError`."""
    write_durably(state.root / RECORD, msgspec.json.encode(result))


def last_drill(state: StateFolder) -> DrillResult | None:
    """Return how the last drill of this folder went; None: there is no readable record."""
    file = state.root / RECORD
    try:
        return from_json(read_file(file), DrillResult, str(file))
    except (OSError, DamagedError):
        return None


def drill_finding(last: DrillResult | None, now_ms: int) -> Finding:
    """Say for `doctor` when the last drill was, and whether it passed."""
    if last is None:
        return note("halt drill", "none yet; `midstride trading drill` holds one, in a minute")
    hours = max(0, now_ms - last.wire_ms) / MS_PER_HOUR
    if not last.passed:
        return fault("halt drill", f"FAILED {hours:.1f} h ago: {last.said}; hold it again")
    shown = (
        f"passed {hours:.1f} h ago, last of {last.orders} cancels after {last.last_cancel_ms} ms"
    )
    if now_ms - last.wire_ms > OLD_MS:
        return warning("halt drill", f"{shown}: hold one each day (docs/halt.md#the-daily-drill)")
    return ok("halt drill", shown)
