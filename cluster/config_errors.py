"""The one error of the configuration: it names file, key, value and what is allowed."""

import difflib
import types
import typing
from collections.abc import Sequence
from enum import Enum
from typing import Any, Self

from cluster.errors import ClusterError


class ConfigError(ClusterError):
    """The operator must mend the key that the message names."""

    def __init__(self, file: str, key: str, value: object, allowed: str) -> None:
        where = f"{file}: {key}" if key else file
        given = "" if value is None else f" = {value!r}"
        super().__init__(f"{where}{given}: allowed is {allowed}")
        self.file = file
        self.key = key

    @classmethod
    def unknown(cls, file: str, key: str, value: object, known: Sequence[str]) -> Self:
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        return cls(file, key, value, f"a known key; {hint}known are: {', '.join(sorted(known))}")


def allowed_values(kind: Any, limits: tuple[float, float] | None) -> str:
    """Say in words what a field takes."""
    words = _type_words(kind)
    return f"{words} in {limits[0]:g} .. {limits[1]:g}" if limits else words


def _type_words(kind: Any) -> str:
    kind = getattr(kind, "__supertype__", kind)
    plain = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    if kind in plain:
        return plain[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(str(entry.value) for entry in kind)
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        inner = [arg for arg in typing.get_args(kind) if arg is not type(None)]
        return " or ".join(_type_words(arg) for arg in inner)
    if typing.get_origin(kind) in (tuple, list):
        return f"a list, each {_type_words(typing.get_args(kind)[0])}"
    return "a table" if typing.get_origin(kind) is dict else str(kind)
