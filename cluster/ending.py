"""End a fleet in order: slots stop and checkpoint, resting orders are cancelled, processes end.

Each step has a limit and none can keep the next from happening: the last one ends, by process id,
whatever this fleet started. What the journal and the gateway's log hold is what the next run needs.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from typing import Final

from actors.runtime import CONFIG_FILE
from checkpoints.storage import LocalStorage
from cluster.environment import child_environment, interpreter
from cluster.errors import ClusterError, FleetError
from cluster.fleet import (
    Call,
    FleetLink,
    gateway_name,
    market_data_name,
    owners,
    supervisor_name,
)
from cluster.interrupts import Interrupts
from cluster.jobs import WORKING_TREE
from cluster.local_head import end_head, head_environment
from cluster.processes import end_all, marked, signal_process, wait_until
from cluster.sandbox_process import end_sandbox
from cluster.state_folder import StateFolder

SLOTS_STOP_SECONDS: Final = 30.0
"""Wire. Sixteen slots write their last rows and a checkpoint each; most take well under one."""
REASON: Final = "the fleet is stopped by its operator"
ACTOR_STOP_SECONDS: Final = 15.0
"""Wire. The gateway cancels what rests (one request) and puts its log away."""
ORDER_SECONDS_MAX: Final = SLOTS_STOP_SECONDS + 4 * ACTOR_STOP_SECONDS + 60.0
"""Wire. The steps above, and the imports of the process that asks on a busy machine."""
RUNNER_SECONDS_MAX: Final = ORDER_SECONDS_MAX + 60.0
"""Wire. A `run` that was asked to end does all of this itself."""
WATCHER_SECONDS: Final = 10.0
"""Wire. The watcher leaves whatever it does at once; what it had begun is ended next."""


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
    state: StateFolder, interrupts: Interrupts, say: Callable[[str], None], *words: str
) -> None:
    """Stop the actors if they answer, then end every process of this state folder.

    A signal meanwhile ends the waiting, not the ending. `words` go to the process that asks.
    """
    end_watcher(state)
    record = state.read_run()
    try:
        if record.head is not None and record.head.alive and launched_before(state):
            _stop_in_order(state, say, *words)
    except KeyboardInterrupt:
        say("interrupted again: processes are ended now")
    finally:
        interrupts.ignore()
        end_head(state)
        end_sandbox(state)
        with contextlib.suppress(ClusterError):  # a full disk; what the record names is dead
            state.update_run(runner=None, watcher=None, launched=False)


def launched_before(state: StateFolder) -> bool:
    """Tell whether a launch came far enough for actors to exist."""
    return (state.storage / CONFIG_FILE).exists()


def _stop_in_order(state: StateFolder, say: Callable[[str], None], *words: str) -> None:
    command = [interpreter(), "-m", "cluster.orderly_stop", str(state.root), *words]
    with subprocess.Popen(  # noqa: S603 our own module with our own folder
        command,
        stdin=subprocess.DEVNULL,
        env={**child_environment(os.environ), **head_environment(state)},
        cwd=WORKING_TREE,
    ) as child:
        try:
            code = child.wait(ORDER_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            child.kill()
            say(f"the fleet did not stop in {ORDER_SECONDS_MAX:.0f} s: processes are ended now")
            return
        except BaseException:
            child.kill()
            raise
    if code:
        say("the fleet was not stopped in order: processes are ended now")


def end_runner(state: StateFolder, say: Callable[[str], None]) -> None:
    """Ask the `run` of a terminal to end its fleet itself, and wait for it."""
    runner = state.read_run().runner
    if runner is None or not runner.alive or runner.pid == os.getpid():
        return
    say(f"`run` (pid {runner.pid}) ends its fleet")
    signal_process(runner, signal.SIGTERM)
    if not wait_until(lambda: not runner.alive, RUNNER_SECONDS_MAX):
        say(f"it did not end in {RUNNER_SECONDS_MAX:.0f} s and is killed")
        signal_process(runner, signal.SIGKILL)


def end_watcher(state: StateFolder) -> None:
    """End the watcher before the rest, or it would start the rest again."""
    for watcher in marked(watcher_mark(state)):
        signal_process(watcher, signal.SIGTERM)
    end_all(lambda: marked(watcher_mark(state)), WATCHER_SECONDS)


def watcher_mark(state: StateFolder) -> str:
    return f"{state.owner}#watcher"


def leave() -> None:
    """Leave the Ray head before it ends, so that this driver does not wait for it."""
    import ray

    ray.shutdown()
