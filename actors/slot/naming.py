"""Names and texts of what a strategy raised or returned, safe to write into a row.

An exception's text and a value's type name are the stranger's too: the text may raise, be a
megabyte long or hold what no encoder takes, a metaclass may lie about the name.
"""

from typing import Final

CHARS_MAX: Final = 300
"""Of an error's text: a row, an alarm and a screen show it."""


def type_name(value: object) -> str:
    """Return the name of a value's type; a metaclass has no say in it."""
    name: str = type.__dict__["__name__"].__get__(type(value))
    return plain_text(name)


def error_name(error: BaseException) -> str:
    """Return ``ValueError: its text``, however the text fails to come."""
    try:
        text = str(error)
    except BaseException as second:  # noqa: BLE001 its __str__ may raise anything
        text = f"(its text raises {type_name(second)})"
    name = type_name(error)
    return plain_text(f"{name}: {plain_text(text)}" if text else name)


def plain_text(text: str) -> str:
    """Return the beginning of a text, in characters that every encoder takes."""
    short = str.__getitem__(text, slice(CHARS_MAX))
    return str.encode(short, "utf-8", "backslashreplace").decode("utf-8")[:CHARS_MAX]
