"""What a step asks for, in the order in which it happens: written before it leaves."""

from typing import Generic, TypeVar

import msgspec

W = TypeVar("W")
F = TypeVar("F")


class Ready(msgspec.Struct, Generic[W, F], frozen=True, kw_only=True):
    """One step's asks. The pump performs them in the order of these fields.

    A batch of steps is one `Ready`: all its writes are durable before any of its effects leaves.
    """

    first: tuple[F, ...] = ()
    """Asks nobody outside; an event that comes at once is stepped in the same batch."""
    writes: tuple[W, ...] = ()
    effects: tuple[F, ...] = ()
