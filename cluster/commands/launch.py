"""`launch`: bring the fleet up; runs inside a Ray job."""

from pathlib import Path

import click

from actors.ray_job import JOB_MARK
from checkpoints.storage import LocalStorage
from cluster.config.load import read_config
from cluster.config.settings import note_source
from cluster.errors import FleetError
from cluster.gate.settings import notice
from cluster.local.joining import join_ray
from cluster.local.launch import launch, launched_lines
from cluster.local.sandbox_process import deployment_from, read_ready
from cluster.terminal.console import config_option, emit, json_option, notify

PROGRESS = "progress"
"""First word of a progress line: `run` turns these into its bar."""


@click.command("launch")
@config_option
@click.option("--storage", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option(
    "--sandbox-ready",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File in which the sandbox exchange wrote its addresses and clock.",
)
@click.option("--key-file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--commit", default="unknown", help="Git commit of the working tree.")
@json_option
def command(
    config: Path,
    storage: Path,
    sandbox_ready: Path,
    key_file: Path | None,
    commit: str,
    as_json: bool,  # noqa: FBT001 click passes flags by name
) -> None:
    """Create a fleet's parts; `midstride run` calls this."""
    fleet = read_config(config, deployment_from(read_ready(sandbox_ready), storage, key_file))
    notify(notice(fleet))
    _join_job()
    note_source(LocalStorage(storage), config)
    done = launch(fleet, commit, _show)
    if as_json:
        emit(done)
    else:
        for line in launched_lines(done):
            notify(line)
    for label, text in fleet.labels.items():
        notify(f"{label}: {text}")


def _join_job() -> None:
    import os

    if JOB_MARK not in os.environ:
        raise FleetError(
            "launch works only inside a Ray job, so that its actors get this tree's code; "
            "`midstride run` submits one"
        )
    join_ray()


def _show(what: str, done: int, total: int) -> None:
    notify(f"{PROGRESS} {what} {done}/{total}")
