"""Which process this is, and in which fleet: what the lock and the status say."""

import os

import ray

from actors.attest import release_running
from actors.gateway.status import Identity
from actors.runtime import life_id, process_start


def identity_of(name: str) -> Identity:
    node = ray.get_runtime_context().get_node_id() if ray.is_initialized() else "local"
    pid = os.getpid()
    return Identity(
        name=name,
        pid=pid,
        process_start=process_start(pid),
        node_id=node,
        life=life_id(),
        release=release_running(),
    )


def fleet_name() -> str:
    """Name the Ray cluster by its address: two fleets cannot share one."""
    return ray.get_runtime_context().gcs_address if ray.is_initialized() else "local"
