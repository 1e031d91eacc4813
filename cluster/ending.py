"""End a fleet in order: slots stop and checkpoint, resting orders are cancelled, processes end.

Each step has a limit and none can keep the next from happening: the last one ends, by process id,
whatever this fleet started. What the journal and the gateway's log hold is what the next run needs.
"""

from collections.abc import Callable, Sequence
from typing import Final

from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.fleet import (
    Call,
    FleetLink,
    gateway_name,
    market_data_name,
    owners,
    supervisor_name,
)
from cluster.local_head import end_head
from cluster.sandbox_process import end_sandbox
from cluster.state_folder import StateFolder

SLOTS_STOP_SECONDS: Final = 30.0
"""Wire. Sixteen slots write their last rows and a checkpoint each; most take well under one."""
REASON: Final = "the fleet is stopped by its operator"
ACTOR_STOP_SECONDS: Final = 15.0
"""Wire. The gateway cancels what rests (one request) and puts its log away."""


def stop_actors(link: FleetLink, storage: LocalStorage, say: Callable[[str], None]) -> None:
    """Stop slots, then gateway and market data; say what did not answer and go on."""
    gateway = gateway_name(storage)
    _ask(link, [Call(supervisor_name(storage), "stop")], ACTOR_STOP_SECONDS, say)
    try:
        slots = [Call(name, "stop", (REASON,)) for name in owners(link, gateway).values()]
    except FleetError as error:
        say(f"slots are not stopped in order: {error}")
        slots = []
    _ask(link, slots, SLOTS_STOP_SECONDS, say)
    _ask(link, [Call(gateway, "stop")], ACTOR_STOP_SECONDS, say)
    _ask(link, [Call(market_data_name(storage), "stop")], ACTOR_STOP_SECONDS, say)


def _ask(
    link: FleetLink, calls: Sequence[Call], limit_seconds: float, say: Callable[[str], None]
) -> None:
    for call, answer in zip(calls, link.ask(calls, limit_seconds), strict=True):
        if isinstance(answer, str):
            say(f"{call.actor} did not stop in order: {answer}")


def end_fleet(
    state: StateFolder, join: Callable[[], FleetLink], say: Callable[[str], None]
) -> None:
    """Stop the actors if they answer, then end the head and the sandbox of this state folder."""
    record = state.read_run()
    if record.head is not None and record.head.alive:
        try:
            stop_actors(join(), LocalStorage(state.storage), say)
        except FleetError as error:
            say(f"the fleet could not be asked to stop: {error}")
        leave()
    end_head(state)
    end_sandbox(state)


def leave() -> None:
    """Leave the Ray head before it ends, so that this driver does not wait for it."""
    import ray

    ray.shutdown()
