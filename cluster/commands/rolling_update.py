"""`rolling-update`: plan, approve, apply, status, resume, abort, rollback, params.

`apply` and `resume` create actors, so they run as Ray jobs: called outside one, they submit
themselves from the working tree and pass on what the job says. `rollback` drives from this process:
a job takes seconds to start.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from actors.clock import wall_ms
from actors.config import FleetConfig
from actors.ray_job import JOB_MARK
from actors.rollout.report import page
from actors.runtime import RAY_NAMESPACE, load_config, wire_ms
from checkpoints.storage import LocalStorage
from cluster.commands.arguments import SLOT
from cluster.commands.gate import approve
from cluster.commands.pace import gate_options, pace_options, planned_options, request_of
from cluster.commands.roll_job import abort_rollout, config_flags, job_flags, submit_roll, watch
from cluster.commands.roll_status import status
from cluster.errors import FleetError
from cluster.fleet import join_fleet, running
from cluster.gate.document import PlanDocument, find_plan, load_plan
from cluster.gate.entry import Entrant, announce
from cluster.gate.page import document_page
from cluster.local.jobs import submit
from cluster.local.joining import join_ray
from cluster.local.own_driver import drive_from_here, know_head, know_head_of, tolerant
from cluster.local.state_folder import StateFolder
from cluster.rolling_update.live import live_view
from cluster.terminal.console import (
    emit,
    json_option,
    notify,
    operator,
    screen,
    state_of,
    state_option,
)


@click.group("rolling-update")
def command() -> None:
    """Plan, begin, end and undo rolls of new code."""


@command.command()
@state_option
@pace_options
@click.option(
    "--replay",
    type=click.IntRange(0),
    default=288,
    help="Make this many recorded decisions again with the new code, and compare; 0: none.",
)
@json_option
def plan(state: str | None, as_json: bool, replay: int, **words: Any) -> None:  # noqa: FBT001 click's way
    """Write the plan of a roll: `approve` signs it, `apply` carries it out; changes nothing."""
    folder = state_of(state)
    join_fleet(folder)  # before anything imports Ray: it reads its environment then
    from cluster.rolling_update.announce import announce_roll

    words = config_flags(folder, words)
    announced = announce_roll(str(folder.storage), request_of(words, None), replay, notify)
    if as_json:
        emit(announced)
        return
    notify(document_page(announced.plan, announced.document))
    for reason in announced.refusals:
        notify(f"REFUSED now: {reason}")
    notify(announced.next)


@command.command()
@state_option
@pace_options
@gate_options
@json_option
def apply(state: str | None, as_json: bool, **words: Any) -> None:  # noqa: FBT001 click's way
    """Roll out the code of this tree, one slot after the other."""
    folder = state_of(state)
    if words["plan"]:
        storage = LocalStorage(folder.storage)
        words["plan"] = find_plan(storage, words["plan"])
        source = click.get_current_context().get_parameter_source
        said = [name for name in words if source(name) is ParameterSource.COMMANDLINE]
        words = planned_options(words, load_plan(storage, words["plan"]), said)
    _apply(folder, words, as_json=as_json)


command.add_command(approve)


@command.command()
@state_option
@click.option("--to", "release", help="Earlier release, its first letters [default: the last].")
@pace_options
@json_option
def rollback(
    state: str | None,
    release: str | None,
    as_json: bool,  # noqa: FBT001 click's way
    **words: Any,
) -> None:
    """Go back to an earlier release; works also when what runs does not answer."""
    folder = state_of(state)
    if JOB_MARK not in os.environ:
        know_head(folder)  # before anything imports Ray: it reads its environment then
    to_release = release or _previous_release(folder)
    source = click.get_current_context().get_parameter_source
    if source("shadow") is not ParameterSource.COMMANDLINE:
        words["shadow"] = 0  # what is to go is no measure of what comes
    if JOB_MARK in os.environ:
        join_ray()
        _show(_back(folder, request_of(words, to_release, "rollback"), notify), as_json=as_json)
        return
    given = words | {
        "submitted": words["submitted"] or wire_ms(),
        "commit": words["commit"] or "unknown",  # it archives nothing: git is not asked
    }
    asked = request_of(given, to_release, "rollback")
    drive_from_here(folder, to_release)
    with live_view(LocalStorage(folder.storage), screen()) as line:
        report = _back(folder, asked, tolerant(line))
    _show(report, as_json=as_json)


def _back(folder: StateFolder, request: Any, line: Callable[[str], None]) -> Any:
    from cluster.rolling_update.way_back import roll_back

    return asyncio.run(roll_back(str(folder.storage), request, line))


command.add_command(status)


@command.command()
@state_option
@json_option
def resume(state: str | None, as_json: bool) -> None:  # noqa: FBT001 click's way
    """Go on with a roll that stopped, to the same release."""
    folder = state_of(state)
    if JOB_MARK not in os.environ:
        words = job_flags("resume", folder, as_json)
        ports = running(folder).ports
        watch(folder, lambda line: submit(folder, ports, words, line))
        return
    from cluster.rolling_update.resume import resume as run_resume

    join_ray()
    _show(asyncio.run(run_resume(str(folder.storage), notify)), as_json=as_json)


@command.command()
@state_option
@click.option("--storage", help="The fleet's storage folder, if it has no state folder.")
@click.option("--address", help="Address of Ray, if there is no state folder.")
@json_option
def abort(
    state: str | None,
    storage: str | None,
    address: str | None,
    as_json: bool,  # noqa: FBT001 click's way
) -> None:
    """End the roll under way, also one whose process is gone."""
    folder = state_of(state)
    root = storage or str(folder.storage)
    if address is None:
        join_fleet(folder)
    else:
        know_head_of(Path(root))  # the front door took the supervisor's variables away
        join_ray(address=address, namespace=RAY_NAMESPACE)
    ended = abort_rollout(root)
    if as_json:
        emit(ended)
    else:
        notify(f"{ended.rollout} ended: {ended.how}")


@command.command()
@state_option
@click.option(
    "--set",
    "words",
    multiple=True,
    required=True,
    metavar="KEY=VALUE",
    help="A parameter, e.g. sizing.kelly_fraction=0.4; repeat for several.",
)
@click.option(
    "--slot",
    "slots",
    type=SLOT,
    multiple=True,
    help="Only this slot; repeat for several [default: all].",
)
@click.option("--propose", is_flag=True, help="Only write the plan that `approve` signs.")
@gate_options
@json_option
def params(
    state: str | None,
    words: tuple[str, ...],
    slots: tuple[str, ...],
    propose: bool,  # noqa: FBT001 click's way
    plan: str | None,
    break_glass: str | None,
    as_json: bool,  # noqa: FBT001 click's way
) -> None:
    """Change parameters while slots run, without new code; kept over restarts."""
    folder = state_of(state)
    link = join_fleet(folder)  # before anything imports Ray: it reads its environment then
    from cluster.rolling_update.params import change_params, parse_changes, plan_params

    config, changes = load_config(str(folder.storage)), parse_changes(words)
    storage = LocalStorage(folder.storage)
    if propose:
        document = plan_params(storage, link, config, slots, changes)
        _propose(storage, config, document, as_json=as_json)
        return
    entrant = Entrant(who=operator(), wire_ms=int(wall_ms()), plan=plan, break_glass=break_glass)
    changed = change_params(storage, link, config, slots, changes, entrant)
    if as_json:
        emit(changed)
    for slot, identity in changed.slots.items():
        notify(f"{slot:<10} {identity[:12]}")
    if changed.failed:
        what = "; ".join(f"{slot}: {reason}" for slot, reason in changed.failed.items())
        raise FleetError(f"not changed: {what}")


def _propose(
    storage: LocalStorage, config: FleetConfig, document: PlanDocument, *, as_json: bool
) -> None:
    digest, following = announce(storage, config, document)
    if as_json:
        emit({"plan": digest, "next": following, "document": document})
    else:
        notify(document_page(digest, document))
        notify(following)


def _apply(folder: StateFolder, words: dict[str, Any], *, as_json: bool) -> None:
    words = config_flags(folder, words)
    if JOB_MARK not in os.environ:
        submit_roll(folder, "apply", words, as_json=as_json)
        return
    from cluster.rolling_update.apply import apply as run_apply

    join_ray()
    request = request_of(words, None, "apply")
    _show(asyncio.run(run_apply(str(folder.storage), request, notify)), as_json=as_json)


def _show(report: Any, *, as_json: bool) -> None:
    if as_json:
        emit(report)
    else:
        notify(page(report))
    if report.outcome != "done":
        raise FleetError(f"rollout {report.rollout} stopped: {report.failure}")


def _previous_release(folder: StateFolder) -> str:
    """Return the release that the last rollout replaced."""
    from cluster.rolling_update.planning import previous_release

    return previous_release(LocalStorage(folder.storage))
