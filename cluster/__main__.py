"""`midstride COMMAND` (or `python -m cluster COMMAND`): the operator's front door.

Exit 0: done; 1: refused or failed, with the reason on stderr; 2: usage. Each command lives in a
file of `cluster/commands/` and is imported only when it is asked for. No traceback reaches a
person: a fault of our own is written to a file, and one line names it.
"""

import sys

from cluster.local.environment import settle

if __name__ == "__main__":  # before any other import: a foreign PYTHONPATH would answer it
    settle(sys.argv[1:])

import importlib
from collections.abc import Sequence
from typing import Final, cast

import click

from actors.rollout.errors import RolloutError
from cluster.commands.examples import with_examples
from cluster.errors import ClusterError
from cluster.terminal.console import notify, show_text

PROGRAM: Final = "midstride"

SECTIONS: Final = {
    "First steps": {
        "run": "run",
        "status": "status",
        "console": "console",
        "stop": "stop",
        "doctor": "doctor",
        "try": "try_signal",
        "config": "config",
        "strategies": "strategies",
    },
    "Operating": {
        "update": "update",
        "rolling-update": "rolling_update",
        "trading": "trading",
        "alarms": "alarms",
        "logs": "logs",
    },
    "Looking back": {
        "pnl": "pnl",
        "audit": "audit",
        "replay": "replay",
        "tape": "tape",
        "blame": "blame",
    },
    "Building": {
        "gate": "gate",
        "live": "live",
        "launch": "launch",
        "head": "head",
        "completion": "completion",
    },
}
"""Command name to module of `cluster.commands`, by the section of the help it stands in."""
COMMANDS: Final = {name: module for rows in SECTIONS.values() for name, module in rows.items()}


class Commands(click.Group):
    """The commands, imported when asked for and listed by section."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cluster.commands.{COMMANDS[cmd_name]}")
        return with_examples(cast("click.Command", module.command), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, names in SECTIONS.items():
            commands = {name: self.get_command(ctx, name) for name in names}
            room = formatter.width - 6 - max(map(len, COMMANDS))
            rows = [(name, one.get_short_help_str(room)) for name, one in commands.items() if one]
            with formatter.section(section):
                formatter.write_dl(rows, col_max=max(map(len, COMMANDS)))


def _show_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 click's way
    if not wanted:
        return
    from cluster.terminal.version import version_line

    show_text(version_line())
    ctx.exit()


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with `midstride run`; `midstride COMMAND --help` has examples.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show version and release of this tree, and exit.",
)
def main() -> None:
    """Run, watch and change the midstride fleet."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        result = main.main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.Abort:
        notify("stopped")
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (ClusterError, RolloutError) as error:
        notify(f"error: {error}")
        return 1
    except Exception as error:  # noqa: BLE001 the last door: a person gets one line, a file the rest
        from cluster.terminal.faults import report

        notify(report(sys.argv[1:] if arguments is None else arguments, error))
        return 1
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(run())
