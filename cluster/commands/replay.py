"""`replay`: make recorded decisions again and compare them, byte by byte."""

import click

from checkpoints.errors import CheckpointsError
from cluster.commands.arguments import DAY, SLOT, check_slot
from cluster.errors import ClusterError
from cluster.replay.page import page
from cluster.replay.progress import progress_bar
from cluster.replay.recorded import Wanted
from cluster.replay.rooms import Where, rooms_for
from cluster.replay.run import ReplayOptions, replay
from cluster.terminal.console import emit, json_option, notify, show_text, state_of, state_option


@click.command("replay")
@click.option("--day", type=DAY, help="UTC day of market time, YYYY-MM-DD.")
@click.option("--slot", type=SLOT, help="One slot, e.g. btc-5m.")
@click.option("--release", help="Decisions of this release (or the beginning of its id).")
@click.option("--last", type=click.IntRange(1), help="Only this many of the latest decisions.")
@click.option(
    "--with",
    "with_release",
    help="Decide with the code of this earlier release instead, and compare.",
)
@click.option(
    "--in",
    "where",
    type=click.Choice([str(one) for one in Where]),
    default=str(Where.AUTO),
    help=(
        "Where the work is done: on the fleet's Ray or in processes of its own; auto: "
        "Ray if it runs."
    ),
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    help="How many processes work at once [default: one per core].",
)
@state_option
@json_option
def command(  # noqa: PLR0913, PLR0917 click passes each option by name
    day: str | None,
    slot: str | None,
    release: str | None,
    last: int | None,
    with_release: str | None,
    where: str,
    processes: int | None,
    state: str | None,
    as_json: bool,  # noqa: FBT001 click
) -> int:
    """Make recorded decisions again and compare.

    Each is made by the code that made it, from the inputs that it had.
    """
    folder = state_of(state)
    check_slot(folder.storage, slot)
    options = ReplayOptions(
        wanted=Wanted(day=day, slot=slot, release=release, last=last),
        with_release=with_release,
        processes=processes or 0,
    )
    try:
        with progress_bar() as progress:
            found = replay(
                folder.storage, options, rooms_for(folder, Where(where), notify), progress
            )
    except CheckpointsError as error:
        raise ClusterError(str(error)) from error
    if as_json:
        emit(found)
    else:
        show_text(page(found))
    if found.with_release is not None:
        return 1 if found.refused else 0
    return 0 if found.all_identical else 1
