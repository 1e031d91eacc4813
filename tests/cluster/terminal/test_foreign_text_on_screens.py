"""The screens themselves, with every foreign field of theirs as nasty as it can be."""

import io
import re

import msgspec
import pytest
from rich.live import Live

from checkpoints.alarms import Alarm
from checkpoints.severity import Severity
from cluster.config.load import DEFAULT_FILE, read_config
from cluster.local.jobs import WORKING_TREE
from cluster.status.fleet_page import FleetPage
from cluster.status.live_table import Faults, draw
from cluster.status.page import LastDecisionView, StatusReport, report
from cluster.terminal.plain_text import PlainConsole
from tests.cluster.config.test_config import deployment
from tests.cluster.status.test_status import nobody_answers
from tests.cluster.terminal.test_plain_text import COMMANDS, NASTY


def nasty_report(text: str) -> StatusReport:
    made = report(read_config(DEFAULT_FILE, deployment()), "gateway/1", nobody_answers())
    last = LastDecisionView(due_ms=1, journaled_ms=2, action="no_trade", reason=text)
    slots = [
        msgspec.structs.replace(slot, state=text, release=text, last_decision=last)
        for slot in made.slots
    ]
    alarm = Alarm(
        kind=text, subject=text, severity=Severity.CRITICAL, action=text, raised_wire_ms=1
    )
    gateway = msgspec.structs.replace(made.gateway, phase=text, trading_reason=text, name=text)
    return msgspec.structs.replace(
        made,
        slots=tuple(slots),
        alarms=(msgspec.structs.replace(alarm, id=text),),
        trouble=(text,),
        labels={text: text},
        gateway=gateway,
        gate=text,
    )


@pytest.mark.parametrize("width", [1, 20, 80, 200])
@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_the_live_table_shows_any_text_and_no_text_breaks_it(text: str, width: int) -> None:
    out = io.StringIO()
    PlainConsole(out, width=width).print(FleetPage(nasty_report(text)))
    assert not COMMANDS.search(out.getvalue())
    assert len(out.getvalue()) < 200_000


def test_a_strategys_brackets_are_shown_letter_by_letter() -> None:
    out = io.StringIO()
    reason = "gate [/5m] closed, weights [mid, fair] unread"
    PlainConsole(out, width=300).print(FleetPage(nasty_report(reason)))
    assert out.getvalue().count(reason) > 16


def test_a_page_that_cannot_be_drawn_is_counted_and_said_once() -> None:
    out = io.StringIO()

    def fails(_: Faults) -> str:
        raise RuntimeError("[/5m]")

    with Live(console=PlainConsole(out, width=80), auto_refresh=False) as live:
        faults = Faults()
        for _ in range(3):
            faults = draw(live, fails, faults)
        assert faults == Faults(total=3, in_a_row=3)
        assert draw(live, lambda _: "fine", faults) == Faults(total=3)
    assert out.getvalue().count("RuntimeError: [/5m]") == 1


ALLOWED = {
    "cluster/terminal/console.py",
    "cluster/terminal/plain_text.py",
    "cluster/commands/completion.py",
    "cluster/rolling_update/import_check.py",
}
"""The last two write for a program: a shell reads the script, our own process the names."""
OTHER_DOORS = re.compile(r"(?<![\w.])Console\(|click\.(secho|echo)\(|(?<![\w.])print\(")


def test_nothing_prints_but_by_the_functions_that_clean_foreign_text() -> None:
    found = [
        f"{file.relative_to(WORKING_TREE)}:{number}"
        for file in sorted((WORKING_TREE / "cluster").rglob("*.py"))
        if str(file.relative_to(WORKING_TREE)) not in ALLOWED and "sandbox" not in file.parts
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if OTHER_DOORS.search(line) and not line.lstrip().startswith("#")
    ]
    assert found == []
