"""`pnl`: profit and loss over time, from the journal."""

from pathlib import Path

import click
import msgspec

from actors.runtime import load_config
from checkpoints.errors import CheckpointsError, DamagedError
from cluster.audit.journal_view import read_journal
from cluster.audit.pnl import By, pnl_report
from cluster.audit.pnl_screen import pnl_html, pnl_lines
from cluster.audit.winnings import winnings_of
from cluster.errors import ClusterError
from cluster.pictures.page import write_page
from cluster.terminal.console import emit, json_option, notify, show_text, state_of, state_option


@click.command("pnl")
@click.option(
    "--by",
    type=click.Choice([str(one) for one in By]),
    default=str(By.DAY),
    show_default=True,
    help="What a row stands for.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one self-contained page with pictures.",
)
@state_option
@json_option
def command(by: str, html: Path | None, state: str | None, as_json: bool) -> None:  # noqa: FBT001 click
    """Show profit and loss, also when no fleet runs."""
    storage = state_of(state).storage
    try:
        report = read_journal(storage, lambda view: pnl_report(view, By(by)))
    except CheckpointsError as error:
        raise ClusterError(str(error)) from error
    report = msgspec.structs.replace(report, winnings=winnings_of(storage))
    notice = _notice(storage)
    if html is not None:
        write_page(html, pnl_html(report, notice))
        notify(f"wrote {html}")
    if as_json:
        emit(report)
        return
    for line in pnl_lines(report):
        show_text(line)
    if notice:
        notify(notice)


def _notice(storage: Path) -> str:
    """Return the notice that the configuration wants beside every result."""
    try:
        labels = load_config(str(storage)).labels
        return " ".join(labels[name] for name in ("paper", "notice") if name in labels)
    except FileNotFoundError:
        return ""
    except DamagedError as error:
        return f"whether the configuration wants a notice here is not known: {error}"
