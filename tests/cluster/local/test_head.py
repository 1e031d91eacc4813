import os
import socket
from pathlib import Path

import httpx
import msgspec
import pytest

from cluster.config.load import DEFAULT_FILE
from cluster.errors import HeadError
from cluster.local.head import dashboard_url, end_head, ensure_head, head_processes
from cluster.local.jobs import submit
from cluster.local.ray_folder import RAY_SOCKET_TAIL, SOCKET_PATH_LIMIT
from cluster.local.state_folder import HeadPorts, StateFolder
from tests.rolling_update.fleet import free_ports


def four_ports() -> HeadPorts:
    return HeadPorts.starting_at(free_ports())


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.prepare()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(HeadError, match=rf"port {port} \(dashboard .*--head-port"):
            ensure_head(state, msgspec.structs.replace(four_ports(), dashboard=port))
    assert head_processes(state) == []
    assert not state.ray.exists(), "only a head that starts leaves a folder behind"


@pytest.mark.ray
def test_a_head_listens_on_loopback_wants_the_token_runs_a_job_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    state = StateFolder(tmp_path / "a home of j\u00fcrgen" / ("long" * 30))
    state.prepare()
    lines: list[str] = []
    try:
        record = ensure_head(state, four_ports())
        assert ensure_head(state, four_ports()) == record
        refused = httpx.get(f"{dashboard_url(record.ports)}/api/jobs/", trust_env=False, timeout=90)
        assert refused.status_code == 401
        assert state.token.stat().st_mode & 0o777 == 0o600
        assert not outer_listeners({entry.pid for entry in head_processes(state)})
        longest_socket_fits(state)
        words = ["config", "check", f"--config={DEFAULT_FILE}"]  # a release holds no configuration
        submit(state, record.ports, words, lines.append)
    finally:
        end_head(state)
    assert head_processes(state) == []
    assert any("sandbox.toml" in line for line in lines), lines


def longest_socket_fits(state: StateFolder) -> None:
    """A release of Ray with longer names must be noticed here, not by a user's long name."""
    sockets = list((state.ray / "session_latest" / "sockets").resolve().iterdir())
    longest = max(sockets, key=lambda path: len(os.fsencode(path)))
    assert len(os.fsencode(longest)) <= SOCKET_PATH_LIMIT
    assert len(longest.name) <= len(Path(RAY_SOCKET_TAIL).name)
    print(f"{len(sockets)} sockets, the longest {len(os.fsencode(longest))} bytes: {longest.name}")


def outer_listeners(pids: set[int]) -> list[str]:
    """Return the addresses other than loopback on which these processes listen."""
    inodes = {
        link.readlink().name
        for pid in pids
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if str(link.readlink()).startswith("socket:")
    }
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.append(fields[1].split(":")[0])
    return [address for address in found if not address.endswith("0100007F")]
