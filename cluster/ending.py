"""End a fleet in order: slots stop and checkpoint, resting orders are cancelled, processes end.

Each step has a limit and none can keep the next from happening: the last one ends, by process id,
whatever this fleet started. What the journal and the gateway's log hold is what the next run needs.
"""

from collections.abc import Callable
from typing import Final

from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.fleet import SUPERVISOR, Call, FleetLink, gateway_name, market_data_name
from cluster.local_head import end_head
from cluster.sandbox_process import end_sandbox
from cluster.state_folder import StateFolder

SLOTS_STOP_SECONDS: Final = 30.0
"""Wire. Sixteen slots write their last rows and a checkpoint each; most take well under one."""
ACTOR_STOP_SECONDS: Final = 15.0
"""Wire. The gateway cancels what rests (one request) and puts its log away."""


def stop_actors(link: FleetLink, storage: LocalStorage, say: Callable[[str], None]) -> None:
    """Stop slots, then market data and gateway; say what did not answer and go on."""
    steps = (
        (Call(SUPERVISOR, "stop"), SLOTS_STOP_SECONDS),
        (Call(gateway_name(storage), "stop"), ACTOR_STOP_SECONDS),
        (Call(market_data_name(storage), "stop"), ACTOR_STOP_SECONDS),
    )
    for call, limit_seconds in steps:
        answer = link.ask([call], limit_seconds)[0]
        if isinstance(answer, str) and answer != "None":
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
