"""`make run`: sandbox, Ray head, the launch job, a live table, and an orderly end.

A start ends only what it started. A fleet that runs already is watched, whoever started it, and
left as it is; a start that asks for another speed, seed, tape or configuration is refused.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec
from rich.console import Console

from actors.live.confirmation import end as end_confirmation
from actors.runtime import load_config
from actors.venue.kinds import VenueKind
from actors.venue.storage_mark import kind_in
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from cluster.audit.log_reading import read_log
from cluster.config.load import read_config
from cluster.config.settings import deployment_of
from cluster.errors import ClusterError, FleetError
from cluster.local.bring_up import RunOptions, bring_up, offline
from cluster.local.console_process import start_console
from cluster.local.ending import end_fleet, end_watcher
from cluster.local.environment import file_limit_problem
from cluster.local.head import answers, end_head
from cluster.local.orderly_stop import WITH_SUMMARY
from cluster.local.processes import wait_until
from cluster.local.sandbox_process import (
    differences,
    end_sandbox,
    listing_for,
    refusal,
    sandbox_command,
)
from cluster.local.state_folder import RunRecord, StateFolder
from cluster.local.state_lock import StateLockedError, hold, holder
from cluster.local.watcher import COMMAND as WATCHER
from cluster.local.watcher import start_watcher
from cluster.local.watching_run import watch
from cluster.terminal.counting import counted
from cluster.terminal.interrupts import Interrupts

WATCHER_SECONDS_MAX: Final = 420.0
"""Wire. A restart by the watcher: a head and a launch, each with its own limit."""
LOCK_SECONDS_MAX: Final = 300.0
"""Wire. What else may hold the state folder while a run wants to end is an end itself."""


class Living(msgspec.Struct, frozen=True, kw_only=True):
    """What lived before this start, so that its failure leaves it alone."""

    head: bool
    sandbox: bool
    fleet: bool
    """All slots were live once on this head."""


def run(state: StateFolder, options: RunOptions, console: Console) -> None:
    """Bring everything up or find it, watch it; raise `ClusterError` with what is in the way."""
    config = offline(options)
    if options.sandbox is not None:
        listed = listing_for(options.sandbox, config.slots, config.venue.more_assets)
        options = msgspec.structs.replace(options, sandbox=listed)
    problem = file_limit_problem(len(config.slots))
    if problem is not None:
        raise ClusterError(problem)
    with Interrupts() as interrupts:
        state.prepare()
        with hold(state, "cluster run", _patience(state)):
            before = living(state.read_run())
            if before.fleet:
                _check_same(state, options)
            elif not _start(state, options, before, interrupts, console):
                return
        if options.console:
            console.print(start_console(state))
        if options.detach or before.fleet:
            _visit(state, options, console, found=before.fleet)
            return
        try:
            watch(state, options.seconds, console)
        except KeyboardInterrupt:
            console.print(
                "Stopping: cancelling open orders and saving every slot. "
                "Ctrl-C again kills at once."
            )
        finally:
            _end(state, interrupts, console)


def _end(state: StateFolder, interrupts: Interrupts, console: Console) -> None:
    """End this run's fleet; neither a lock that another holds nor a second Ctrl-C stops that."""
    with contextlib.ExitStack() as held:
        try:
            end_watcher(state)
            held.enter_context(hold(state, "cluster run", LOCK_SECONDS_MAX))
        except StateLockedError as locked:
            console.print(f"another command is at work on this fleet: {locked}")
        except KeyboardInterrupt:
            console.print("interrupted again: killing what is left")
        end_fleet(state, interrupts, console.print, WITH_SUMMARY)


def _patience(state: StateFolder) -> float:
    """Return how long to wait for the folder: a restart that is under way is waited for."""
    by = holder(state)
    return WATCHER_SECONDS_MAX if by is not None and by.command == WATCHER else 0.0


def living(record: RunRecord) -> Living:
    head = record.head is not None and record.head.alive
    return Living(
        head=head,
        sandbox=record.sandbox is not None and record.sandbox.alive,
        fleet=head and record.launched,
    )


def _start(
    state: StateFolder,
    options: RunOptions,
    before: Living,
    interrupts: Interrupts,
    console: Console,
) -> bool:
    """Bring the fleet up; end what was started if that fails or is interrupted.

    False: the time was over before the venue could be reached.
    """
    if options.fresh:
        check_forgettable(state)
    try:
        if options.fresh:
            end_fleet(state, Interrupts(), console.print)  # what an earlier start left half done
            state.forget()
            state.prepare()
        end_watcher(state)  # of a fleet that died: from here on this start brings it up
        runner = None if options.detach else ProcessId.own()
        state.update_run(runner=runner, launched=False)
        up = bring_up(state, options, console)
        if up:
            start_watcher(state)
    except BaseException as fault:
        if isinstance(fault, KeyboardInterrupt):
            console.print("interrupted: ending what this start began")
        _undo(state, before, interrupts, console)
        raise
    if not up:
        _undo(state, before, interrupts, console)
    return up


def check_forgettable(state: StateFolder) -> None:
    """Refuse to forget real money: orders, positions and approvals stand nowhere else."""
    if kind_in(state.storage) is VenueKind.LIVE:
        raise ClusterError(
            f"{state.root} holds the books of a live fleet, and --fresh would delete them: start "
            "without it, or name another folder with --state"
        )


def _undo(state: StateFolder, before: Living, interrupts: Interrupts, console: Console) -> None:
    if not before.head and not before.sandbox:
        end_fleet(state, interrupts, console.print)
        return
    interrupts.ignore()
    end_confirmation(LocalStorage(state.storage))
    if not before.head:
        end_head(state)
    if not before.sandbox:
        end_sandbox(state)
    state.update_run(runner=None)


def _check_same(state: StateFolder, options: RunOptions) -> None:
    """Refuse a start that wants another fleet than the one that runs; raise `ClusterError`."""
    record = state.read_run()
    if options.fresh:
        raise ClusterError(
            f"a fleet runs in {state.root}: `midstride stop` first, then `midstride run --fresh`"
        )
    wanted = () if options.sandbox is None else sandbox_command(state, options.sandbox)
    other = differences(record.sandbox_command, wanted)
    if other:
        raise ClusterError(refusal(state, other))
    running = load_config(str(state.storage))
    if read_config(options.config, deployment_of(running)) != running:
        raise FleetError(
            f"a fleet runs in {state.root} with another configuration than {options.config}. It "
            "goes on unchanged. `midstride update` brings in what slots decide by; for the rest "
            "`midstride stop` first"
        )
    if not wait_until(lambda: answers(state, record.ports), WATCHER_SECONDS_MAX / 20):
        raise FleetError(
            f"Ray's head process in {state.root} runs but does not answer: `midstride doctor` "
            "says more, `midstride stop` ends it"
        )


def _visit(state: StateFolder, options: RunOptions, console: Console, *, found: bool) -> None:
    """Watch a fleet that stays up, or say how to reach it."""
    if not found:
        console.print("the fleet stays up: `midstride status`, `midstride stop`")
        return
    record = state.read_run()
    if record.watcher is None or not record.watcher.alive:
        console.print("its watcher is gone; a new one is started")
        with hold(state, "cluster run", LOCK_SECONDS_MAX):
            start_watcher(state)
    console.print(f"a fleet runs in {state.root} already{_whose(record)}; it is left as it is")
    for line in slot_releases(state):
        console.print(line)
    if options.detach:
        return
    console.print("Ctrl-C leaves it up; `midstride stop` ends it")
    try:
        watch(state, options.seconds, console)
    except KeyboardInterrupt:
        pass
    finally:
        console.print("left; the fleet stays up: `midstride status`, `midstride stop`")


def slot_releases(state: StateFolder) -> Iterator[str]:
    """Yield which releases the slots run, by the gateway's log; an unreadable log tells none."""
    ledger = read_log(LocalStorage(state.storage)).ledger
    counts = Counter(
        seat.owner.release
        for _, seat in (ledger.seats.items() if ledger is not None else ())
        if seat.owner is not None
    )
    for release, count in counts.most_common():
        yield f"{counted(count, 'slot')} run release {release[:12]}"


def _whose(record: RunRecord) -> str:
    if record.runner is None:
        return ""
    alive = "runs it" if record.runner.alive else "started it and is gone"
    return f" (pid {record.runner.pid} {alive})"
