"""`completion`: the lines that make a shell complete commands, options and names."""

import click
from click.shell_completion import get_completion_class

PROGRAM = "midstride"


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell."""
    from cluster.__main__ import main

    made = get_completion_class(shell)
    assert made is not None, shell
    click.echo(made(main, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE").source())
