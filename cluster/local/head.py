"""The fleet's own Ray head on this machine: loopback only, token authentication, own ports.

`ray start --head --block` runs as one child in its own session, so a Ctrl-C in the terminal does
not reach it before the fleet has put its orders away. It joins nobody and nobody joins it without
the token. Ray turns 127.0.0.1 into the machine's outer address unless its switch for single-machine
systems is set the other way (`LOOPBACK`): with it every server of the head listens on loopback.
"""

import contextlib
import functools
import os
import re
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx

from checkpoints.process_id import ProcessId
from checkpoints.small_file import read_file
from cluster.errors import ClusterError, HeadError
from cluster.local.durable_files import write_durably
from cluster.local.environment import child_environment, interpreter, ray_program
from cluster.local.processes import MARK, end_all, in_session, marked, wait_until
from cluster.local.ray_folder import make_ray_folder, prune_sessions
from cluster.local.ray_logs import causes, read_logs
from cluster.local.state_folder import HeadPorts, RunRecord, StateFolder

START_LIMIT_SECONDS: Final = 120.0
"""A head is up in 8 .. 15 s on two quiet cores; this leaves room for a busy machine."""
END_LIMIT_SECONDS: Final = 20.0
"""A head with sixteen actors ends within a few seconds of SIGTERM; then what is left is killed."""
POLL_SECONDS: Final = 0.25
LEAVING_SECONDS: Final = 10.0
"""A killed process may be a zombie to `ps` before its last thread lets go of its ports."""
LINGER_SECONDS: Final = 75.0
"""Connections of a head that was killed hold its ports for up to a minute (TIME_WAIT)."""
OBJECT_STORE_BYTES: Final = 200_000_000
"""The fleet passes small messages; Ray's default takes a third of the machine's memory."""
HEAD_LOG: Final = "ray-head.log"
DRAIN: Final = "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"
DRAIN_SECONDS: Final = "1"
"""Detached actors never drain: the fleet was stopped in order before, so there is no wait."""
TOKEN_BYTES: Final = 32
TOKEN: Final = re.compile(r"[0-9A-Za-z_.~+/=-]{16,}")
LOOPBACK: Final = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
LOG_SIZE: Final = {"RAY_ROTATION_MAX_BYTES": "20000000", "RAY_ROTATION_BACKUP_COUNT": "2"}
"""Of each of Ray's own logs; its default keeps 3 GB of each."""
TASKS_KEPT: Final = {"RAY_task_events_max_num_task_in_gcs": "5000"}
"""Calls of actors that the head remembers for the dashboard. With Ray's default of 100,000 the head
of sixteen slots grew by 300 MB in its first 45 minutes."""
MEMORY: Final = {"MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Of each worker: glibc gives every thread of a Ray worker a heap of its own, and Arrow keeps one
beside it; what one decision frees stays in each of them, sixteen times."""


def head_environment(state: StateFolder) -> dict[str, str]:
    """Return what every process that talks to this head needs; no secret, only its file's name."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(state.token),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",
        DRAIN: DRAIN_SECONDS,
        LOOPBACK: "0",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        **LOG_SIZE,
        **TASKS_KEPT,
        **MEMORY,
    }


def dashboard_url(ports: HeadPorts) -> str:
    return f"http://127.0.0.1:{ports.dashboard}"


def gcs_address(ports: HeadPorts) -> str:
    return f"127.0.0.1:{ports.gcs}"


def ensure_head(
    state: StateFolder, ports: HeadPorts, waited: Callable[[float], None] = lambda _: None
) -> RunRecord:
    """Return the living head's record, or start one; raise `HeadError` naming what is in the way.

    `waited` is called with the seconds spent so far while the head starts.
    """
    record = state.read_run()
    if record.head is not None and record.head.alive and answers(state, record.ports):
        return record
    end_head(state)
    prune_sessions(state.root)
    make_token(state.token)
    _check_ports(ports)
    make_ray_folder(state.root)
    head = _spawn(state, ports)
    record = state.update_run(head=head, ports=ports, python=interpreter())
    _wait_up(state, record, waited)
    return record


def end_head(state: StateFolder) -> None:
    """End this fleet's head and all that it started; what is not ours is never touched."""
    record = state.read_run()
    if record.head is not None:
        record.head.signal(signal.SIGTERM)
    grace = END_LIMIT_SECONDS if record.head is not None and record.head.alive else 0.0
    end_all(lambda: head_processes(state), grace)
    if record.head is not None:
        with contextlib.suppress(ClusterError):  # a full disk; the name of a dead one harms nobody
            state.update_run(head=None)


def head_processes(state: StateFolder) -> list[ProcessId]:
    """Return the head and everything that runs under it, orphans included."""
    head = state.read_run().head
    kin = [] if head is None else in_session(head, state.root, state.ray)
    return list({*marked(f"{state.owner}#ray"), *kin})


def answers(state: StateFolder, ports: HeadPorts) -> bool:
    """True when the job server of the head answers our token."""
    try:
        token = read_token(state.token)
        answer = httpx.get(
            f"{dashboard_url(ports)}/api/jobs/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=5.0,
            trust_env=False,
        )
    except (httpx.HTTPError, OSError, ValueError):
        return False
    return answer.status_code == httpx.codes.OK


def read_token(file: Path) -> str:
    """Return the token; raise `ValueError` for a file that holds none, `OSError`."""
    found = read_file(file).decode("ascii").strip()
    if not TOKEN.fullmatch(found):
        raise ValueError(f"{file} holds no token")
    return found


def make_token(file: Path) -> None:
    """Make the token, or make it again where it was lost; no head may live that knows another."""
    try:
        read_token(file)
        file.chmod(0o600)
    except (FileNotFoundError, ValueError):
        write_durably(file, secrets.token_hex(TOKEN_BYTES).encode())
    except OSError as error:
        raise HeadError(
            f"{file} cannot be read or made private ({error.strerror}): remove it"
        ) from error


def _check_ports(ports: HeadPorts) -> None:
    for name in ports.__struct_fields__:
        port = getattr(ports, name)
        free = functools.partial(_is_free, port)
        if wait_until(free, LEAVING_SECONDS):
            continue
        if _is_served(port) or not wait_until(free, LINGER_SECONDS):
            raise HeadError(
                f"port {port} ({name} of the local Ray head) is taken by another program. "
                "End that one, or give this fleet other ports: --head-port PORT takes four "
                "from PORT on"
            )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _is_served(port: int) -> bool:
    """Tell a program that listens from the lingering connections of one that was killed."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _spawn(state: StateFolder, ports: HeadPorts) -> ProcessId:
    command = [
        *ray_program(),
        "start",
        "--head",
        "--block",
        "--node-ip-address=127.0.0.1",
        f"--port={ports.gcs}",
        "--dashboard-host=127.0.0.1",
        f"--dashboard-port={ports.dashboard}",
        f"--dashboard-agent-listen-port={ports.agent}",
        f"--ray-client-server-port={ports.client}",
        f"--temp-dir={state.ray}",
        f"--object-store-memory={OBJECT_STORE_BYTES}",
        "--disable-usage-stats",
        "--log-style=record",
    ]
    environment = {
        **child_environment(os.environ),
        **head_environment(state),
        MARK: f"{state.owner}#ray",
    }
    with (state.logs / HEAD_LOG).open("wb") as log:
        child = subprocess.Popen(  # noqa: S603 our own ray program with checked arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=state.root,
            start_new_session=True,
        )
    return ProcessId.of(child.pid)


def _wait_up(state: StateFolder, record: RunRecord, waited: Callable[[float], None]) -> None:
    began = time.monotonic()
    while (spent := time.monotonic() - began) < START_LIMIT_SECONDS:
        if answers(state, record.ports):
            return
        if record.head is None or not record.head.alive:
            break
        waited(spent)
        time.sleep(POLL_SECONDS)
    why = causes(read_logs(state.logs / HEAD_LOG, state.ray))
    end_head(state)
    said = "\n".join(f"  {line}" for line in why) or "  nothing that names a cause"
    raise HeadError(
        f"the local Ray head did not start. Its logs say:\n{said}\n"
        f"All of them: {state.logs / HEAD_LOG}, {state.ray / 'session_latest' / 'logs'}"
    )
