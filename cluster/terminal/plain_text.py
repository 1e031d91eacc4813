"""Text from outside as a person may see it: strategies, the venue, paths, logs, other releases.

Whatever is in it, it is only text: it colours nothing, moves no cursor, breaks no table, reverses
no line, and is not longer than a screen. Everything that prints uses one of these.
"""

import contextlib
import os
import re
from collections.abc import Iterable
from typing import Any, Final, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from cluster.errors import ClusterError

LINE_LENGTH_MAX: Final = 500
"""Of one foreign text in a table or a sentence; the whole of it is in the record."""
TEXT_LENGTH_MAX: Final = 20_000
"""Of one message of several lines."""
COLUMNS_MIN: Final = 20
"""A narrower terminal, or one that says 0, breaks lines itself."""
WORD: Final = re.compile(r"\s*(?:`[^`]*`|\S)+")
"""With the spaces before it."""
MARK: Final = "\N{REPLACEMENT CHARACTER}"


def plain(text: str, length_max: int = LINE_LENGTH_MAX) -> str:
    """Return the text on one line: what is not printable is written as an escape, the rest kept."""
    kept = text[:length_max]
    if not kept.isprintable():
        kept = "".join(_escaped(letter) for letter in kept)
    left = len(text) - length_max
    return f"{kept}... ({left} characters more)" if left > 0 else kept


def plain_lines(text: str, length_max: int = TEXT_LENGTH_MAX) -> str:
    """Return a message of several lines, each plain; tabs become spaces."""
    kept = text[:length_max].expandtabs()
    lines = "\n".join(plain(line, length_max) for line in kept.split("\n"))
    left = len(text) - length_max
    return f"{lines}\n... ({left} characters more)" if left > 0 else lines


def wrap(text: str, columns: int) -> str:
    """Break what is longer than a terminal's line between two words.

    A longer word stays whole, and so does a command between backticks, so that it can be copied.
    """
    if columns < COLUMNS_MIN:
        return text
    return "\n".join(part for line in text.split("\n") for part in _parts(line, columns))


def _parts(line: str, columns: int) -> list[str]:
    if len(line) <= columns:
        return [line]
    indent = line[: len(line) - len(line.lstrip())][: columns // 2]
    parts = [""]
    for word in WORD.findall(line):
        if not parts[-1] or len(parts[-1]) + len(word) <= columns:
            parts[-1] += word
        else:
            parts.append(f"{indent}  {word.lstrip()}")
    return parts


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")


class PlainConsole(Console):
    """A console that reads no markup, and on which no text is a command to the terminal.

    Rich's own colours and cursor movements are apart from the text until the last moment; so the
    text of everything that is drawn is cleaned here, whoever made it.
    """

    def __init__(self, file: "TextIO | ForgivingStream", **words: Any) -> None:
        words = {"markup": False, "emoji": False, "highlight": False, **words}
        kept = file if isinstance(file, ForgivingStream) else ForgivingStream(file)
        super().__init__(file=kept, **words)  # type: ignore[arg-type]

    def print(self, *objects: Any, **words: Any) -> None:
        """Print; sentences break between words on a terminal, and nowhere in a file or a pipe."""
        if all(isinstance(entry, str) for entry in objects):
            words.setdefault("soft_wrap", True)
            if self.is_terminal:
                objects = tuple(wrap(entry, self.width) for entry in objects)
        super().print(*objects, **words)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else _clean(segment)


def _clean(segment: Segment) -> Segment:
    if segment.text.isprintable() or segment.text == "\n":
        return segment
    text = "".join(
        letter if letter == "\n" or letter.isprintable() else MARK for letter in segment.text
    )
    return segment._replace(text=text)


class ForgivingStream:
    """A terminal that may go while something runs: what cannot be shown any more is dropped.

    A closed window, a `| head` that has read enough, a full disk under `2> file`: none of them may
    end a fleet, or keep its end from being orderly.
    """

    forgiven: tuple[type[Exception], ...] = (OSError, ValueError)

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except UnicodeEncodeError:
            return self.write(text.encode("ascii", "backslashreplace").decode("ascii"))
        except self.forgiven:
            silence(self._stream)
            return len(text)
        except OSError as error:
            raise OutputError(
                f"the output cannot be written ({error.strerror}): free space, or write elsewhere"
            ) from error

    def columns(self) -> int:
        """Return how wide the terminal is; 0 where the stream is none."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError, AttributeError):
            return 0

    def flush(self) -> None:
        try:
            self._stream.flush()
        except self.forgiven:
            silence(self._stream)
        except OSError as error:
            silence(self._stream)
            raise OutputError(
                f"the output cannot be written ({error.strerror}): free space, or write elsewhere"
            ) from error


class OutputStream(ForgivingStream):
    """What was asked for, on stdout: only a reader that has seen enough is forgiven."""

    forgiven = (BrokenPipeError,)


class OutputError(ClusterError):
    """The answer could not be written whole; free space or name another file."""


def silence(stream: Any) -> None:
    """Send what a stream still holds to nowhere, or Python would complain of it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
