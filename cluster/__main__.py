"""`python -m cluster COMMAND`: the operator's front door.

Exit 0: done; 1: refused or failed, with the reason on stderr; 2: usage. Each command lives in a
file of `cluster/commands/` and is imported only when it is asked for.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from typing import Final, cast

import click

from cluster.errors import ClusterError

COMMANDS: Final = {
    "run": "run",
    "launch": "launch",
    "status": "status",
    "rolling-update": "rolling_update",
    "update": "update",
    "gate": "gate",
    "audit": "audit",
    "replay": "replay",
    "try": "try_signal",
    "doctor": "doctor",
    "alarms": "alarms",
    "trading": "trading",
    "config": "config",
    "head": "head",
    "stop": "stop",
}
"""Command name to module of `cluster.commands`, in the order of the help."""


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [name for name in COMMANDS if _exists(name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS or not _exists(cmd_name):
            return None
        module = importlib.import_module(f"cluster.commands.{COMMANDS[cmd_name]}")
        return cast("click.Command", module.command)


def _exists(name: str) -> bool:
    return importlib.util.find_spec(f"cluster.commands.{COMMANDS[name]}") is not None


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run, watch and change the midstride fleet."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        result = main.main(args=arguments, prog_name="cluster", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ClusterError as error:
        click.echo(f"error: {error}", err=True)
        return 1
    except Exception as error:
        _tell(sys.argv[1:] if arguments is None else arguments, error)
        raise
    return result if isinstance(result, int) else 0


def _tell(arguments: Sequence[str], fault: Exception) -> None:
    """Say that a job died of its own code; where even this cannot be imported, its sender says."""
    try:
        from cluster.unstarted import tell_from_job
    except (ImportError, SyntaxError):
        return
    tell_from_job(arguments, fault)


if __name__ == "__main__":
    sys.exit(run())
