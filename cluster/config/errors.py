"""The one error of the configuration: it names file, key, value and what it must be."""

import difflib
import types
import typing
from collections.abc import Sequence
from enum import Enum
from typing import Any, Self

from actors.config import AtUtc
from cluster.errors import ClusterError


def nearest(word: str, known: Sequence[str]) -> list[str]:
    """Return what was probably meant, if anything is near; capitals are no difference."""
    folded = {name.casefold(): name for name in known}
    return [folded[near] for near in difflib.get_close_matches(word.casefold(), folded, n=1)]


class ConfigError(ClusterError):
    """The operator corrects the key that the message names."""

    def __init__(self, file: str, key: str, value: object, allowed: str) -> None:
        where = f"{file}: {key}" if key else file
        given = "" if value is None else f" = {value!r}"
        super().__init__(f"{where}{given}: must be {allowed}")
        self.file = file
        self.key = key

    @classmethod
    def because(cls, file: str, key: str, reason: str) -> Self:
        """Say in a sentence of its own what is wrong."""
        error = cls(file, key, None, "")
        error.args = (f"{file}: {reason}",)
        return error

    @classmethod
    def unknown(
        cls, file: str, key: str, known: Sequence[str], what: str = "key", prefix: str = ""
    ) -> Self:
        """Name what is not known and what was probably meant; `prefix` is not shown."""
        near = nearest(key, known)
        names = [name.removeprefix(prefix) for name in known]
        hint = (
            f"did you mean {near[0].removeprefix(prefix)}?"
            if near
            else f"there are {', '.join(sorted(names))}"
        )
        return cls.because(file, key, f"unknown {what} {key.removeprefix(prefix)}; {hint}")


def allowed_values(kind: Any, limits: tuple[float, float] | None) -> str:
    """Say in words what a field takes."""
    words = _type_text(kind)
    return f"{words} in {limits[0]:g} .. {limits[1]:g}" if limits else words


def _type_text(kind: Any) -> str:
    kind = getattr(kind, "__supertype__", kind)
    if kind is AtUtc:
        return "a time of day in UTC such as 02:30, or off"
    plain = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    if kind in plain:
        return plain[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(str(entry.value) for entry in kind)
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        inner = [arg for arg in typing.get_args(kind) if arg is not type(None)]
        return " or ".join(_type_text(arg) for arg in inner)
    if typing.get_origin(kind) in (tuple, list):
        return f"a list, each {_type_text(typing.get_args(kind)[0])}"
    return "a table" if typing.get_origin(kind) is dict else str(kind)
