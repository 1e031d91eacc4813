"""Which process this is, and in which fleet: what the lock and the status say."""

import ray

from actors.attest import release_running
from actors.gateway.status import Identity
from checkpoints.process_id import ProcessId


def identity_of(name: str) -> Identity:
    node = ray.get_runtime_context().get_node_id() if ray.is_initialized() else "local"
    process = ProcessId.own()
    return Identity(
        name=name,
        pid=process.pid,
        process_start=process.start,
        node_id=node,
        life=process.life,
        release=release_running(),
    )


def fleet_name() -> str:
    """Name the Ray cluster by its address: two fleets cannot share one."""
    return ray.get_runtime_context().gcs_address if ray.is_initialized() else "local"
