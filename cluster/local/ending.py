"""End a fleet in order: slots stop and checkpoint, resting orders are cancelled, processes end.

Each step has a limit and none can keep the next from happening: the last one ends, by process id,
whatever this fleet started. What the journal and the gateway's log hold is what the next run needs.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Final

from actors.live.confirmation import end as end_confirmation
from actors.runtime import CONFIG_FILE
from checkpoints.storage import LocalStorage
from cluster.daily_audit.process import end_audit
from cluster.errors import ClusterError
from cluster.local import orderly_stop
from cluster.local.console_process import end_console
from cluster.local.head import end_head
from cluster.local.orderly_stop import ACTOR_STOP_SECONDS, slots_stop_seconds
from cluster.local.processes import end_all, marked, wait_until
from cluster.local.redeemer import end_redeemer
from cluster.local.sandbox_process import end_sandbox
from cluster.local.state_folder import StateFolder
from cluster.terminal.interrupts import Interrupts
from signals.market import SLOTS_MAX

FORK: Final = multiprocessing.get_context("fork")
"""The process that asks has the code of this one, which began before the tree was edited."""
ORDER_SECONDS_MAX: Final = slots_stop_seconds(SLOTS_MAX) + 4 * ACTOR_STOP_SECONDS + 60.0
"""Wire. The steps above, and the imports of the process that asks on a busy machine."""
RUNNER_SECONDS_MAX: Final = ORDER_SECONDS_MAX + 60.0
"""Wire. A `run` that was asked to end does all of this itself."""
WATCHER_SECONDS: Final = 10.0
"""Wire. The watcher leaves whatever it does at once; what it had begun is ended next."""


def end_fleet(
    state: StateFolder, interrupts: Interrupts, notify: Callable[[str], None], *words: str
) -> None:
    """Stop the actors if they answer, then end every process of this state folder.

    A signal meanwhile ends the waiting, not the ending. `words` go to the process that asks.
    """
    end_watcher(state)
    record = state.read_run()
    try:
        if record.head is not None and record.head.alive and launched_before(state):
            _stop_in_order(state, notify, *words)
    except KeyboardInterrupt:
        notify("interrupted again: killing what is left")
    finally:
        interrupts.ignore()
        end_console(state)
        end_head(state)
        end_redeemer(state)
        end_audit(state)
        end_sandbox(state)
        end_confirmation(LocalStorage(state.storage))
        with contextlib.suppress(ClusterError):  # a full disk; what the record names is dead
            state.update_run(runner=None, watcher=None, launched=False)


def launched_before(state: StateFolder) -> bool:
    """Tell whether a launch came far enough for actors to exist."""
    return (state.storage / CONFIG_FILE).exists()


def _stop_in_order(state: StateFolder, notify: Callable[[str], None], *words: str) -> None:
    child = FORK.Process(target=orderly_stop.main, args=([str(state.root), *words],))
    child.start()
    try:
        child.join(ORDER_SECONDS_MAX)
    except BaseException:
        child.kill()
        raise
    if child.is_alive():
        child.kill()
        notify(f"the fleet did not stop in {ORDER_SECONDS_MAX:.0f} s: killing its processes")
    elif child.exitcode:
        notify("the fleet could not be stopped cleanly: killing its processes")


def end_runner(state: StateFolder, notify: Callable[[str], None]) -> None:
    """Ask the `run` of a terminal to end its fleet itself, and wait for it."""
    runner = state.read_run().runner
    if runner is None or not runner.alive or runner.pid == os.getpid():
        return
    notify(f"`run` (pid {runner.pid}) ends its fleet")
    runner.signal(signal.SIGTERM)
    if not wait_until(lambda: not runner.alive, RUNNER_SECONDS_MAX):
        notify(f"it did not end in {RUNNER_SECONDS_MAX:.0f} s and is killed")
        runner.signal(signal.SIGKILL)


def end_watcher(state: StateFolder) -> None:
    """End the watcher before the rest, or it would start the rest again."""
    for watcher in marked(watcher_mark(state)):
        watcher.signal(signal.SIGTERM)
    end_all(lambda: marked(watcher_mark(state)), WATCHER_SECONDS)


def watcher_mark(state: StateFolder) -> str:
    return f"{state.owner}#watcher"


def leave() -> None:
    """Leave the Ray head before it ends, so that this driver does not wait for it."""
    import ray

    ray.shutdown()
