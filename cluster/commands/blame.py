"""`blame`: which release or parameter change first turned a decision."""

import datetime as dt

import click

from checkpoints.errors import CheckpointsError
from cluster.audit.chain import intent_of
from cluster.audit.journal_view import JournalView, read_journal
from cluster.commands.arguments import check_slot
from cluster.errors import ClusterError
from cluster.replay.blame import Blame, blame
from cluster.replay.blame_page import blame_lines
from cluster.terminal.console import emit, json_option, show_text, state_of, state_option
from signals.market import Slot


@click.command("blame")
@click.argument("identity", metavar="TRADE|DECISION")
@click.option(
    "--exact", is_flag=True, help="Count any difference, not only one in what is ordered."
)
@state_option
@json_option
def command(identity: str, exact: bool, state: str | None, as_json: bool) -> None:  # noqa: FBT001 click
    """Find the change that first turned a decision.

    It names the release, or the change of parameters, since when it is decided otherwise.

    TRADE is an order id or intent id (its beginning is enough); DECISION is SLOT@TIME, its due
    time in UTC market time. Works also when no fleet runs.
    """
    folder = state_of(state)
    slot, at, _ = identity.partition("@")
    check_slot(folder.storage, _slot(slot) if at else None)
    try:
        found = read_journal(
            folder.storage, lambda view: _blame(view, identity, exact=exact), verify=True
        )
    except CheckpointsError as error:
        raise ClusterError(str(error)) from error
    if as_json:
        emit(found)
        return
    for line in blame_lines(found):
        show_text(line)


def _blame(view: JournalView, identity: str, *, exact: bool) -> Blame:
    slot, _, moment = identity.partition("@")
    if moment:
        return blame(view, _slot(slot), _due_ms(moment), exact=exact)
    slot, _, due_ms, _ = intent_of(view, identity).split("/")
    return blame(view, slot, int(due_ms), exact=exact)


def _slot(name: str) -> str:
    try:
        return str(Slot.parse(name))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _due_ms(moment: str) -> int:
    """Read Unix milliseconds or an ISO time, UTC where it names no zone."""
    if moment.isascii() and moment.isdigit():
        return int(moment)
    try:
        read = dt.datetime.fromisoformat(moment)
    except ValueError:
        raise click.UsageError(
            f"{moment!r} is no time; write 2026-03-01T12:00:20 or Unix milliseconds"
        ) from None
    zoned = read if read.tzinfo is not None else read.replace(tzinfo=dt.UTC)
    return round(zoned.timestamp() * 1_000)
