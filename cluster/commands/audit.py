"""`audit`: proofs from the durable record."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from actors.runtime import load_config
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.audit.chain import trade_chain
from cluster.audit.completeness import Completeness, read_proven
from cluster.audit.journal_view import JournalView, read_journal
from cluster.audit.release_curves import reports_and_curves
from cluster.audit.release_pictures import releases_page
from cluster.audit.release_screen import flat_release, releases_screen, windows_screen
from cluster.audit.screens import chain_screen, problems_screen, show
from cluster.audit.trade_lines import columns_of, trade_lines
from cluster.audit.trades import OUTCOMES, Trade, TradeFilter, trades_table
from cluster.audit.windows import window_reports
from cluster.commands.arguments import DAY, SLOT, check_release, check_slot
from cluster.commands.audit_day import command as day_command
from cluster.errors import ClusterError, FleetError
from cluster.pictures.page import write_page
from cluster.terminal.console import emit, json_option, notify, show_text, state_of, state_option
from cluster.terminal.counting import counted

parquet_option = click.option(
    "--parquet",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all rows to this Parquet file.",
)


html_option = click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one self-contained page with pictures.",
)


@click.group("audit")
def command() -> None:
    """Look into the record of trades and releases.

    Works also when no fleet runs: it reads only the storage.
    """


command.add_command(day_command)

_T = TypeVar("_T")


def journal(state: str | None, read: Callable[[JournalView], _T]) -> _T:
    """Read a fleet's journal; a storage's failure is the operator's."""
    try:
        return read_journal(state_of(state).storage, read)
    except CheckpointsError as error:
        raise ClusterError(str(error)) from error


def proven(
    state: str | None, read: Callable[[JournalView], _T], *, deep: bool = False
) -> tuple[_T, Completeness]:
    """Read a fleet's journal, and compare it with all that knows what must be in it."""
    try:
        return read_proven(state_of(state).storage, read, deep=deep)
    except CheckpointsError as error:
        raise ClusterError(str(error)) from error


@command.command("trades")
@click.option("--slot", type=SLOT, help="One slot, e.g. btc-5m.")
@click.option("--day", type=DAY, help="UTC day of market time, YYYY-MM-DD.")
@click.option("--release", help="Only trades that this release decided (a prefix is enough).")
@click.option(
    "--outcome",
    type=click.Choice(OUTCOMES),
    help="Side bought (up, down) or result (won, lost, open, unfilled).",
)
@click.option("--filled", is_flag=True, help="Only trades with a fill that was not reversed.")
@click.option("--columns", help="Columns to show, comma-separated, e.g. signed,slot,pnl,intent.")
@parquet_option
@state_option
@json_option
def trades_command(  # noqa: PLR0913, PLR0917 click passes each option by name
    slot: str | None,
    day: str | None,
    release: str | None,
    outcome: str | None,
    filled: bool,  # noqa: FBT001 click
    columns: str | None,
    parquet: Path | None,
    state: str | None,
    as_json: bool,  # noqa: FBT001 click
) -> None:
    """List every signed order with its fills, its money and the code that decided it."""
    names = columns_of(columns)
    _check_named(state_of(state).storage, slot, release)
    chosen = TradeFilter(slot=slot, day=day, release=release, outcome=outcome, filled_only=filled)
    table, record = proven(state, lambda view: trades_table(view, chosen))
    if parquet is not None:
        _write_parquet(parquet, table)
    trades = tuple(Trade(**row) for row in table.to_pylist())
    if as_json:
        emit({"trades": trades, "problems": record.problems, "checked": record.checked})
    else:
        for line in trade_lines(trades, names):
            show_text(line)
        show(problems_screen(record.problems, record.checked))


@command.command("trade")
@click.argument("identity", metavar="ID")
@state_option
@json_option
def trade_command(identity: str, state: str | None, as_json: bool) -> None:  # noqa: FBT001 click
    """Show one trade on one page: inputs, decision, order, fills, result, and the code of each."""
    found = journal(state, lambda view: trade_chain(view, identity))
    if as_json:
        emit(found)
    else:
        show(chain_screen(found))


@command.command("releases")
@parquet_option
@html_option
@state_option
@json_option
def releases_command(
    parquet: Path | None,
    html: Path | None,
    state: str | None,
    as_json: bool,  # noqa: FBT001 click
) -> None:
    """Compare releases: time live, trades, P&L, edge, calibration and slippage."""
    (reports, curves), record = proven(state, reports_and_curves)
    if html is not None:
        write_page(html, releases_page(reports, curves))
        notify(f"wrote {html}")
    if parquet is not None:
        _write_parquet(parquet, pa.Table.from_pylist([flat_release(one) for one in reports]))
    if as_json:
        emit({"releases": reports, "problems": record.problems, "checked": record.checked})
    else:
        show(releases_screen(reports), problems_screen(record.problems, record.checked))


@command.command("windows")
@click.option("--mixed", is_flag=True, help="Only windows in which more than one release decided.")
@parquet_option
@state_option
@json_option
def windows_command(
    mixed: bool,  # noqa: FBT001 click
    parquet: Path | None,
    state: str | None,
    as_json: bool,  # noqa: FBT001 click
) -> None:
    """List market windows with the releases that decided in them; marks mixed ones."""
    reports, record = proven(state, lambda view: window_reports(view, mixed_only=mixed))
    rows = [{**msgspec.to_builtins(one), "mixed": one.mixed} for one in reports]
    if parquet is not None:
        _write_parquet(parquet, pa.Table.from_pylist(rows))
    if as_json:
        emit({"windows": rows, "problems": record.problems, "checked": record.checked})
    else:
        show(windows_screen(reports), problems_screen(record.problems, record.checked))


@command.command("check")
@state_option
@json_option
def check_command(state: str | None, as_json: bool) -> int:  # noqa: FBT001 click
    """Check the whole record for damage and gaps; exit 1 if anything is wrong."""
    _, record = proven(state, lambda _view: None, deep=True)
    if as_json:
        emit(record)
    else:
        show(problems_screen(record.problems, record.checked))
    return 1 if record.problems else 0


@command.command("evidence")
@click.argument("release")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="New or empty folder [default: evidence-RELEASE here].",
)
@state_option
@json_option
def evidence_command(release: str, out: Path | None, state: str | None, as_json: bool) -> None:  # noqa: FBT001 click
    """Collect all that documents one release in one folder; name what is missing."""
    from cluster.audit.evidence import gather, open_case, replay_release
    from cluster.audit.evidence_files import write_pack

    case = open_case(state_of(state).storage, release)
    items = tuple(gather(case, replayed=replay_release))
    pack = write_pack(case, items, out or Path(f"evidence-{case.release[:12]}"))
    if as_json:
        emit(pack)
        return
    for item in pack.items:
        show_text(f"  {item.state:<8} {item.name:<16} {item.text}")
    show_text(f"{len(pack.items) - len(pack.missing)} of {len(pack.items)} in {pack.folder}")


@command.command("reconcile")
@state_option
@json_option
def reconcile_command(state: str | None, as_json: bool) -> int:  # noqa: FBT001 click
    """Compare our record with the venue's orders, trades and winners."""
    from cluster.audit.reconcile import reconcile
    from cluster.audit.winnings import winnings_line, winnings_of

    folder = state_of(state)
    try:
        config = load_config(str(folder.storage))
    except FileNotFoundError:
        raise FleetError(
            f"there is no fleet in {folder.root}; --state names another folder"
        ) from None
    found = reconcile(config)
    if as_json:
        emit(found)
    else:
        for text in found.differences:
            show_text(text)
        notify(
            f"{counted(len(found.differences), 'difference')}; {counted(found.fills, 'fill')}, "
            f"{counted(found.winners, 'market')}"
        )
        winnings = winnings_of(folder.storage)
        if winnings is not None:
            notify(winnings_line(winnings))
    return 1 if found.differences else 0


def _check_named(storage: Path, slot: str | None, release: str | None) -> None:
    """Refuse a slot or a release that this fleet never had; an empty table would hide the slip."""
    if release is not None:
        check_release(LocalStorage(storage), release)
    check_slot(storage, slot)


def _write_parquet(file: Path, table: Any) -> None:
    try:
        pq.write_table(table, file)
    except OSError as error:
        raise ClusterError(f"{file} cannot be written ({error}): name another file") from error
    notify(f"{counted(table.num_rows, 'row')} in {file}")
