"""`rolling-update`: plan, apply, status, resume, abort, rollback, params.

`apply` and `rollback` create actors, so they run as Ray jobs: called outside one, they submit
themselves from the working tree and pass on what the job says.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from actors.runtime import RAY_NAMESPACE, load_config, wire_ms
from checkpoints.storage import LocalStorage
from cluster.console import emit, json_option, say, state_of, state_option
from cluster.errors import FleetError
from cluster.fleet import join_fleet
from cluster.jobs import git_commit, submit
from cluster.rolling_update.page import plan_page
from cluster.rolling_update.record import read_active, read_state, rollout_ids
from cluster.rolling_update.report import page
from cluster.rollout_step import Options
from cluster.state_folder import StateFolder

JOB_MARK = "RAY_JOB_CONFIG_JSON_ENV_VAR"
_F = TypeVar("_F", bound=Callable[..., Any])

PACE = (
    click.option("--canary", help="Slot that goes first, alone."),
    click.option("--bake", default=0, help="Good decisions of the canary before the rest starts."),
    click.option("--shadow", default=1, help="Decisions compared before each switch."),
    click.option(
        "--expect",
        type=click.Choice(["identical", "report"]),
        default="report",
        help="What a differing shadow decision does: stop the roll, or be reported.",
    ),
    click.option("--fast", is_flag=True, help="Shadow on recorded decisions, do not wait."),
    click.option("--together", is_flag=True, help="Switch the rest in one gap between cycles."),
    click.option("--slots", default="", help="Only these, with commas between."),
    click.option("--all", is_flag=True, help="Then supervisor, market data and gateway too."),
    click.option("--commit", help="Git commit of the working tree [default: ask git]."),
    click.option("--submitted", type=float, help="When it was submitted, Unix ms."),
)


def pace_options(function: _F) -> _F:
    """Add the words that say how a rollout is paced."""
    for option in reversed(PACE):
        function = option(function)
    return function


@click.group("rolling-update")
def command() -> None:
    """Replace the fleet's code one slot at a time while it trades."""


@command.command()
@state_option
@pace_options
@json_option
def plan(state: str | None, as_json: bool, **words: Any) -> None:  # noqa: FBT001 click's way
    """Show what `apply` would change; touch nothing."""
    folder = state_of(state)
    join_fleet(folder)  # before anything imports Ray: it reads its environment then
    from cluster.rolling_update.apply import plan_for

    made, _ = asyncio.run(plan_for(str(folder.storage), request_of(words, None)))
    if as_json:
        emit(made)
    else:
        say(plan_page(made))


@command.command()
@state_option
@pace_options
@json_option
def apply(state: str | None, as_json: bool, **words: Any) -> None:  # noqa: FBT001 click's way
    """Roll the working tree's code out."""
    _roll(state_of(state), "apply", words, None, as_json=as_json)


@command.command()
@state_option
@click.option("--to", "release", help="Archived release (its beginning) [default: the last one].")
@pace_options
@json_option
def rollback(
    state: str | None,
    release: str | None,
    as_json: bool,  # noqa: FBT001 click's way
    **words: Any,
) -> None:
    """Roll an archived release out again."""
    folder = state_of(state)
    to_release = release or _previous_release(folder)
    _roll(folder, "rollback", words | {"to": to_release}, to_release, as_json=as_json)


@command.command()
@state_option
@json_option
def status(state: str | None, as_json: bool) -> None:  # noqa: FBT001 click's way
    """Show the rollout under way, or the last one."""
    storage = LocalStorage(state_of(state).storage)
    ids = rollout_ids(storage)
    rollout = read_state(storage, ids[-1]) if ids else None
    if as_json:
        emit({"active": read_active(storage), "rollout": rollout})
        return
    active = read_active(storage)
    say(f"active: {active.rollout if active else 'none'}")
    if rollout is not None:
        say(f"{rollout.rollout}: {rollout.phase} {rollout.failure or ''}")
        for slot in rollout.order:
            say(f"  {slot:<10} {rollout.handoffs[slot].step}")


@command.command()
@state_option
@json_option
def resume(state: str | None, as_json: bool) -> None:  # noqa: FBT001 click's way
    """Roll out the rest of a rollout that stopped, to the same release."""
    folder = state_of(state)
    if JOB_MARK not in os.environ:
        submit(folder, folder.read_run().ports, _job_words("resume", folder, as_json), click.echo)
        return
    from cluster.rolling_update.resume import resume as run_resume

    _join_as_job()
    _show(asyncio.run(run_resume(str(folder.storage), say)), as_json=as_json)


@command.command()
@state_option
@click.option("--storage", help="Storage folder, where there is no state folder.")
@click.option("--address", help="Ray head, where there is no state folder.")
@json_option
def abort(
    state: str | None,
    storage: str | None,
    address: str | None,
    as_json: bool,  # noqa: FBT001 click's way
) -> None:
    """End the rollout under way, also one whose driver is gone."""
    root = storage or str(state_of(state).storage)
    if address is None:
        join_fleet(state_of(state))
    else:
        import ray

        ray.init(address=address, namespace=RAY_NAMESPACE, logging_level=logging.ERROR)
    from cluster.rolling_update.abort import abort as run_abort
    from cluster.rolling_update.ray_calls import RayCalls

    speed = load_config(root).clock.speed
    ended = asyncio.run(run_abort(root, RayCalls(root), speed, say))
    if as_json:
        emit(ended)
    else:
        say(f"{ended.rollout} ended: {ended.how}")


@command.command()
@state_option
@click.option("--set", "words", multiple=True, required=True, help="section.name=value; again.")
@click.option("--slot", "slots", multiple=True, help="Only this slot; again [default: all].")
@json_option
def params(
    state: str | None,
    words: tuple[str, ...],
    slots: tuple[str, ...],
    as_json: bool,  # noqa: FBT001 click's way
) -> None:
    """Change parameters in place, between two decisions; durable."""
    folder = state_of(state)
    link = join_fleet(folder)  # before anything imports Ray: it reads its environment then
    from cluster.rolling_update.params import change_params, parse_changes

    config, changes = load_config(str(folder.storage)), parse_changes(words)
    changed = change_params(LocalStorage(folder.storage), link, config, slots, changes)
    if as_json:
        emit(changed)
    for slot, identity in changed.slots.items():
        say(f"{slot:<10} {identity[:12]}")
    if changed.failed:
        what = "; ".join(f"{slot}: {reason}" for slot, reason in changed.failed.items())
        raise FleetError(f"not changed: {what}")


def _roll(
    folder: StateFolder, verb: str, words: dict[str, Any], to_release: str | None, *, as_json: bool
) -> None:
    if JOB_MARK not in os.environ:
        submit_roll(folder, verb, words, as_json=as_json)
        return
    from cluster.rolling_update.apply import apply as run_apply

    _join_as_job()
    request = request_of(words, to_release, verb)
    _show(asyncio.run(run_apply(str(folder.storage), request, say)), as_json=as_json)


def _join_as_job() -> None:
    import ray

    ray.init(logging_level=logging.ERROR, log_to_driver=False)


def _show(report: Any, *, as_json: bool) -> None:
    if as_json:
        emit(report)
    else:
        say(page(report))
    if report.outcome != "done":
        raise FleetError(f"rollout {report.rollout} stopped: {report.failure}")


def submit_roll(folder: StateFolder, verb: str, words: dict[str, Any], *, as_json: bool) -> None:
    """Submit this command as a job from the working tree."""
    given = words | {"commit": words["commit"] or git_commit(), "submitted": wire_ms()}
    arguments = [*_job_words(verb, folder, as_json), *job_options(given)]
    submit(folder, folder.read_run().ports, arguments, click.echo)


def job_options(given: dict[str, Any]) -> list[str]:
    """Return the words as the job's options; a number counts also when it is 0."""
    options = []
    for name, value in given.items():
        if value is True:
            options.append(f"--{name}")
        elif value is not None and value is not False and value != "":
            options.append(f"--{name}={value}")
    return options


def _job_words(verb: str, folder: StateFolder, as_json: bool) -> list[str]:  # noqa: FBT001 as click
    words = ["rolling-update", verb, f"--state={folder.root}"]
    return [*words, "--json"] if as_json else words


def request_of(words: dict[str, Any], to_release: str | None, verb: str = "apply") -> Any:
    from cluster.rolling_update.apply import Request

    options = Options(
        canary=words["canary"],
        bake=words["bake"],
        shadow=words["shadow"],
        identical=words["expect"] == "identical",
        fast=words["fast"],
        together=words["together"],
    )
    return Request(
        options=options,
        slots=tuple(name.strip() for name in words["slots"].split(",") if name.strip()),
        to_release=to_release,
        commit=words["commit"] or git_commit(),
        submitted_wire_ms=words["submitted"],
        everything=words["all"],
        verb=verb,
    )


def _previous_release(folder: StateFolder) -> str:
    """Return the release that the last rollout replaced."""
    from cluster.rolling_update.apply import previous_release

    return previous_release(LocalStorage(folder.storage))
