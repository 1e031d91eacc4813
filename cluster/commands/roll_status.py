"""`rolling-update status`: the roll under way or the last one, and its report as a page."""

from pathlib import Path

import click

from actors.rollout.record import read_active, read_plan, read_report, read_state, rollout_ids
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.pictures.page import write_page
from cluster.terminal.console import emit, json_option, notify, state_of, state_option


@click.command()
@state_option
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the last report as one self-contained page with pictures.",
)
@json_option
def status(state: str | None, html: Path | None, as_json: bool) -> None:  # noqa: FBT001 click's way
    """Show the roll under way, or the last one."""
    storage = LocalStorage(state_of(state).storage)
    ids = rollout_ids(storage)
    if html is not None:
        _write_report(storage, ids, html)
    rollout = read_state(storage, ids[-1]) if ids else None
    if as_json:
        emit({"active": read_active(storage), "rollout": rollout})
        return
    active = read_active(storage)
    notify(f"active: {active.rollout if active else 'none'}")
    if rollout is not None:
        notify(f"{rollout.rollout}: {rollout.phase} {rollout.failure or ''}")
        for slot in rollout.order:
            notify(f"  {slot:<10} {rollout.handoffs[slot].step}")


def _write_report(storage: LocalStorage, ids: list[str], file: Path) -> None:
    """Write the page of the newest roll that has ended."""
    from cluster.rolling_update.report_picture import report_page

    for rollout in reversed(ids):
        report = read_report(storage, rollout)
        if report is not None:
            write_page(file, report_page(report, read_plan(storage, rollout)))
            notify(f"wrote {file}")
            return
    raise FleetError("no roll has ended yet, so there is no report to write")
