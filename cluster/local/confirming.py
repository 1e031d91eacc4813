"""The second asking of a live start: a person types what is at risk, or the start is refused.

The first one is `mode = "live"` in the file and on the command line. What is typed becomes a record
in the storage (`actors.live.confirmation`); launch job and gateway refuse without it.
"""

import sys
from collections.abc import Callable

import click
from rich.console import Console
from rich.table import Table

from actors.live.confirmation import Confirmed, put_in_force
from actors.live.refusals import Start, risk_lines
from actors.live.risked import Risked, same_text
from actors.runtime import wire_ms
from checkpoints.storage import LocalStorage
from cluster.errors import ClusterError
from cluster.terminal.console import operator

Ask = Callable[[Risked], str | None]
"""Have a person type the short words; None where nobody sits there."""


def check_given(risked: Risked, given: str | None, console: Console) -> None:
    """Refuse what did not come from a person before anything else is asked; show what to type."""
    if given is None and sys.stdin.isatty():
        return
    if confirmed_text(risked, given, lambda _risked: None) is None:
        console.print(risk_table(risked))
        raise _not_confirmed(risked)


def confirm(storage: LocalStorage, start: Start, given: str | None, console: Console) -> None:
    """Have a person confirm a live start, or raise `ClusterError` saying what to type.

    `given`: what came with --confirm.
    """
    console.print(risk_table(start.risked))
    typed = confirmed_text(start.risked, given, ask_at_terminal)
    if typed is None:
        raise _not_confirmed(start.risked)
    record = Confirmed(risked=start.risked, typed=typed, who=operator(), wire_ms=int(wire_ms()))
    put_in_force(storage, record)


def _not_confirmed(risked: Risked) -> ClusterError:
    return ClusterError(
        "not confirmed; nothing was started. If that is what you want, start again with "
        f"--confirm '{risked.full_text}' (`make`: CONFIRM=...): it counts for this wallet, these "
        "limits and this release only"
    )


def confirmed_text(risked: Risked, given: str | None, ask: Ask) -> str | None:
    """Return the words that confirm exactly this; None where they do not.

    Words on the command line carry the digest: they may come from a script that was written for
    other limits. Who types at the terminal has the table before the eyes.
    """
    if given is not None:
        return given if same_text(given, risked.full_text) else None
    typed = ask(risked)
    if typed is None:
        return None
    right = same_text(typed, risked.short_text) or same_text(typed, risked.full_text)
    return typed if right else None


def ask_at_terminal(risked: Risked) -> str | None:
    """Ask once; a start without a person at the terminal is not asked."""
    if not sys.stdin.isatty():
        return None
    usd = risked.short_text.partition(" ")[2]
    question = f"Type the last 6 characters of the wallet and the USD of all slots together ({usd})"
    return str(click.prompt(question, default="", show_default=False, err=True))


def risk_table(risked: Risked) -> Table:
    table = Table("what will be risked", "", box=None)
    for name, value in risk_lines(risked):
        table.add_row(name, value)
    return table
