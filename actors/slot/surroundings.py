"""What a strategy may not change of the process that it runs in, and how it is put back.

A slot's loop, its clock and its writer share one interpreter with the strategy. A function of
`time`, `os`, `asyncio`, `threading` or `builtins` that was replaced, or an interpreter limit that
was moved, would make the slot fail far from its cause. What is found changed is named and put back.
"""

import asyncio
import builtins
import os
import sys
import threading
import time
from types import ModuleType
from typing import Any, Final

MODULES: Final[tuple[ModuleType, ...]] = (time, os, asyncio, threading, builtins)
"""Some seven hundred names; comparing them takes tens of microseconds."""
OFTEN_CHANGED: Final = frozenset({"_", "_active", "_dangling", "_limbo", "_shutdown_locks"})
"""Names that Python itself binds anew."""


class Surroundings:
    """The process at one moment."""

    def __init__(
        self, names: dict[ModuleType, dict[str, Any]], recursion: int, switch: float
    ) -> None:
        self._names = names
        self._recursion = recursion
        self._switch = switch

    @classmethod
    def now(cls) -> "Surroundings":
        names = {module: dict(vars(module)) for module in MODULES}
        return cls(names, sys.getrecursionlimit(), sys.getswitchinterval())

    def changed(self) -> tuple[str, ...]:
        """Return what is no longer as it was, by name."""
        found = [f"{module.__name__}.{name}" for module, name, _ in self._differences()]
        if sys.getrecursionlimit() != self._recursion:
            found.append("the recursion limit")
        if sys.getswitchinterval() != self._switch:
            found.append("the thread switch interval")
        return tuple(found)

    def restore(self) -> None:
        """Put everything back."""
        for module, name, value in self._differences():
            setattr(module, name, value)
        if sys.getrecursionlimit() != self._recursion:
            sys.setrecursionlimit(self._recursion)
        if sys.getswitchinterval() != self._switch:
            sys.setswitchinterval(self._switch)

    def _differences(self) -> list[tuple[ModuleType, str, Any]]:
        found: list[tuple[ModuleType, str, Any]] = []
        absent = object()
        for module, names in self._names.items():
            present = vars(module)
            found += [
                (module, name, value)
                for name, value in names.items()
                if present.get(name, absent) is not value and name not in OFTEN_CHANGED
            ]
        return found
