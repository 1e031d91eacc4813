"""Submit a roll as a Ray job and watch it; Ctrl-C ends the watching, and the roll only if asked."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from actors.rollout.record import read_active, rollout_ids
from actors.runtime import load_config, wire_ms
from checkpoints.storage import LocalStorage
from cluster.commands.pace import job_options
from cluster.config.settings import source_of
from cluster.fleet import join_fleet, running
from cluster.local.jobs import WORKING_TREE, git_commit
from cluster.local.state_folder import StateFolder
from cluster.rolling_update.conclusion import conclude
from cluster.rolling_update.live import live_view
from cluster.rolling_update.unstarted import submit_roll_job
from cluster.terminal.console import notify, screen


def submit_roll(folder: StateFolder, verb: str, words: dict[str, Any], *, as_json: bool) -> None:
    """Submit this command as a job from the working tree."""
    running(folder)  # before Ray's submitter looks for a head that is not there
    given = words | {"commit": words["commit"] or git_commit(), "submitted": wire_ms()}
    if verb == "apply":
        given = config_flags(folder, given)
    arguments = [*job_flags(verb, folder, as_json), *job_options(given)]
    name = f"rolling-update {verb} {words.get('to') or given['commit'][:12]}"
    watch(folder, lambda line: submit_roll_job(folder, arguments, line, name))


def config_flags(folder: StateFolder, words: dict[str, Any]) -> dict[str, Any]:
    """Fill in the configuration that a roll looks at: the file of the fleet's last start."""
    named = words.get("config")
    found = Path(named) if named else source_of(LocalStorage(folder.storage), WORKING_TREE)
    return words | {"config": None if found is None else str(found.resolve())}


def watch(folder: StateFolder, submit_job: Callable[[Callable[[str], None]], None]) -> None:
    """Submit a roll's job and draw it; Ctrl-C ends the watching, and the roll only if asked to."""
    storage = LocalStorage(folder.storage)
    before = rollout_ids(storage)
    try:
        with live_view(storage, screen()) as line:
            submit_job(line)
        said = conclude(folder.storage, before)
        if said is not None:
            notify(said)
    except KeyboardInterrupt:
        _stop_watching(folder, storage)
        raise click.exceptions.Exit(1) from None


def _stop_watching(folder: StateFolder, storage: LocalStorage) -> None:
    active = read_active(storage)
    if active is None:
        notify(
            "You stopped watching before a roll began; it may still begin. "
            "`midstride rolling-update status` shows it, `midstride rolling-update abort` ends it."
        )
        return
    notify(f"You stopped watching; roll {active.rollout} goes on.")
    try:
        wanted = sys.stdin.isatty() and click.confirm(f"Abort {active.rollout} now?", err=True)
    except (click.exceptions.Abort, KeyboardInterrupt):
        wanted = False
    if not wanted:
        notify(
            "It goes on. `midstride rolling-update status` shows it, "
            "`midstride rolling-update abort` ends it."
        )
        return
    join_fleet(folder)
    ended = abort_rollout(str(folder.storage))
    notify(f"{ended.rollout} ended: {ended.how}")


def abort_rollout(root: str) -> Any:
    """End the rollout under way; the head must be joined."""
    from actors.rollout.abort import abort as run_abort
    from actors.rollout.ray_calls import RayCalls

    speed = load_config(root).clock.speed
    return asyncio.run(run_abort(root, RayCalls(root), speed, notify))


def job_flags(verb: str, folder: StateFolder, as_json: bool) -> list[str]:  # noqa: FBT001 as click
    """Return the words of the command that the job runs."""
    words = ["rolling-update", verb, f"--state={folder.root}"]
    return [*words, "--json"] if as_json else words
