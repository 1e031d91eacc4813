"""The help of every command ends with examples, and each example is a line that can be called."""

import shlex
from collections.abc import Iterator

import click
import pytest

from cluster.__main__ import COMMANDS, PROGRAM, main
from cluster.commands.examples import EXAMPLES


def every_command() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", one) for below, one in command.commands.items())


def test_every_command_has_examples_and_no_example_is_of_none() -> None:
    assert {name for name, _ in every_command()} == set(EXAMPLES)


def test_no_line_of_the_first_help_is_cut() -> None:
    shown = main.get_help(click.Context(main, info_name=PROGRAM, terminal_width=78))
    assert "..." not in shown.partition("First steps:")[2]


@pytest.mark.parametrize("words", EXAMPLES)
def test_the_help_shows_each_example_on_a_line_of_its_own(words: str) -> None:
    command: click.Command = main
    context = click.Context(main, info_name=PROGRAM)
    for word in words.split():
        assert isinstance(command, click.Group)
        found = command.get_command(context, word)
        assert found is not None
        command, context = found, click.Context(found, info_name=word, parent=context)
    shown = command.get_help(context)
    lines = [line.strip() for line in shown.splitlines()]
    assert "\\b" not in shown
    for example in EXAMPLES[words]:
        assert example in lines, example


@pytest.mark.parametrize("line", sorted({one for lines in EXAMPLES.values() for one in lines}))
def test_an_example_names_a_command_with_options_that_it_has(line: str) -> None:
    program, *words = shlex.split(line.partition(" > ")[0])
    assert program == PROGRAM
    command: click.Command = main
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None, line
        command = found
    options = {name for one in command.params for name in one.opts}
    assert {word for word in words if word.startswith("--")} <= options, line
    command.make_parser(click.Context(command)).parse_args(list(words))
