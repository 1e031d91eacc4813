"""A process that ends at a chosen point of its talk with the disk."""

import os
from typing import Any


class CrashError(BaseException):
    """The process ends here."""


class CrashingOs:
    """`os`, but the process ends before the call number `crash_at` of those that touch a disk."""

    def __init__(self, crash_at: int) -> None:
        self.calls: list[str] = []
        self._crash_at = crash_at

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in {"fsync", "write", "link", "open"}:
            return real

        def call(*arguments: Any) -> Any:
            if len(self.calls) == self._crash_at:
                raise CrashError
            self.calls.append(name)
            return real(*arguments)

        return call
