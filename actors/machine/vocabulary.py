"""Events and effects that every machine with one piece of work at a time has. Pure."""

import msgspec


class At(msgspec.Struct, frozen=True, kw_only=True):
    """Of every event: the monotonic time of its process."""

    at_ms: float


class Failed(At, frozen=True, kw_only=True):
    """The work under way failed: a disk that refused, an actor that did not answer."""

    reason: str


class Waited(At, frozen=True, kw_only=True):
    """Result of `Wait`."""


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """May be broken off."""

    ms: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """To whoever asked: done, or nothing has changed."""

    reply_to: int
    done: bool
