"""Whatever a text from outside holds, on a screen it is only text."""

import fcntl
import io
import os
import re
import struct
import sys
import termios
from collections.abc import Callable, Iterator
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from cluster.terminal.console import notify, screen, show_line, show_text
from cluster.terminal.plain_text import (
    LINE_LENGTH_MAX,
    ForgivingStream,
    PlainConsole,
    plain,
    plain_lines,
    wrap,
)

NASTY = (
    "gate [/5m] closed, weights [mid, fair] unread",
    "[bold]not bold[/bold] [link=http://x]y[/link] :smile:",
    "\x1b[2J\x1b]0;title\x07\x9b31m",
    "one\r\ntwo\u2028three\x85four",
    "\u202egnirts\u2066 \u200b\ufeff\U000e0041",
    "lone \ud800 surrogate",
    "null \x00 tab \t del \x7f",
    "x" * 1_000_000,
    "\U0001f600" * 2_000,
    "",
)
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def drawn(renderable: object, width: int = 80) -> str:
    out = io.StringIO()
    PlainConsole(out, width=width).print(renderable)
    return out.getvalue()


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_a_foreign_text_is_shown_as_it_is_and_commands_nothing(text: str) -> None:
    table = Table("reason")
    table.add_row(text)
    table.add_row(Text(text))
    for shown in (drawn(table), drawn(text), drawn(Text(text)), plain(text)):
        assert not COMMANDS.search(shown)
    assert "\n" not in plain(text)
    assert len(plain(text)) < 12 * LINE_LENGTH_MAX


@given(st.text())
def test_any_text_becomes_printable(text: str) -> None:
    assert plain(text).isprintable()
    assert all(line.isprintable() for line in plain_lines(text).split("\n"))
    assert not COMMANDS.search(drawn(text, 200))


def test_what_is_printable_stays_letter_by_letter() -> None:
    text = "reason [/5m]: price \u20ac 0.42, \u00fcber, \u65e5\u672c"
    assert plain(text) == text
    assert plain_lines(f"{text}\n{text}") == f"{text}\n{text}"
    assert "[/5m]" in drawn(text, 200)


def test_a_long_text_is_cut_and_says_how_much_is_missing() -> None:
    assert plain("a" * 600).endswith("... (100 characters more)")


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(5, f"Input/output error at {text!r}")

    def flush(self) -> None:
        raise BrokenPipeError


def test_a_terminal_that_is_gone_ends_nothing() -> None:
    stream = ForgivingStream(Gone())
    assert stream.write("x") == 1
    stream.flush()
    PlainConsole(Gone()).print("still here")


def test_a_stream_that_knows_only_ascii_shows_escapes() -> None:
    raw = io.BytesIO()
    stream = ForgivingStream(io.TextIOWrapper(raw, encoding="ascii", errors="strict"))
    stream.write("\u20ac\n")
    stream.flush()
    assert raw.getvalue() == b"\\u20ac\n"


LONG = (
    "  a fleet runs, it is up: `midstride stop` ends it, "
    "`midstride status` shows it, and its folder is /srv/fleets/state/midstride-of-paper-and-more"
)


@pytest.fixture
def terminal() -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """A terminal of 40 columns, and what was written to it."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    stream = os.fdopen(slave, "w")

    def written() -> str:
        stream.flush()
        return os.read(master, 100_000).decode().replace("\r\n", "\n")

    yield stream, written
    stream.close()
    os.close(master)


Output = Callable[[str], None]


@pytest.mark.parametrize(
    "output",
    [notify, show_text, lambda text: screen().print(text)],
    ids=["stderr", "stdout", "rich"],
)
def test_a_long_line_breaks_between_words_on_a_terminal_only(
    terminal: tuple[TextIO, Callable[[], str]], output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, written = terminal
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    output(LONG)
    shown = written()
    assert shown.split() == LONG.split(), "no word is broken"
    assert all(len(line) <= 40 or len(line.split()) == 1 for line in shown.split("\n"))
    assert "`midstride stop`" in shown, "a command stays on one line"
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", out)
    output(LONG)
    out.flush()
    assert out.buffer.getvalue().decode() == f"{LONG}\n"  # type: ignore[attr-defined]


@given(st.text(), st.integers(-1, 200))
def test_words_are_broken_nowhere_and_short_lines_stay(text: str, columns: int) -> None:
    assert wrap(text, columns).split() == text.split()
    short = [line for line in text.split("\n") if len(line) <= columns]
    assert set(short) <= set(wrap(text, columns).split("\n"))


def test_a_line_to_paste_is_broken_nowhere(
    terminal: tuple[TextIO, Callable[[], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, written = terminal
    monkeypatch.setattr(sys, "stdout", stream)
    show_line(LONG)
    assert written() == f"{LONG}\n"
