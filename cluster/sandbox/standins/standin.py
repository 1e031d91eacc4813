"""What each stand-in says: REST answers, what a request costs, and the frames of its socket."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import msgspec

from cluster.sandbox.numbers import whole_number
from cluster.sandbox.standins.quotas import Quota, Verdict
from cluster.sandbox.standins.view import View

STAMP_MS_MAX = 4 * 10**12


class Asked(NamedTuple):
    method: str
    path: str
    """After the exchange's own prefix."""
    query: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Topic(NamedTuple):
    """What a client subscribed to."""

    channel: str
    asset: str


class Replies(NamedTuple):
    """What a stand-in does with a client's frame."""

    replies: tuple[bytes, ...] = ()
    topics: tuple[Topic, ...] = ()
    """To be added."""


class StandIn(ABC):
    name: ClassVar[str]
    quotas: ClassVar[dict[str, Quota]]
    socket_paths: ClassVar[tuple[str, ...]]
    silence_s: ClassVar[float] = 600.0
    """Wire: a client that says nothing for so long is closed."""
    hello_s: ClassVar[float] = 600.0
    """Wire: a client must have subscribed by then."""

    @abstractmethod
    def answer(self, asked: Asked, view: View) -> Answer: ...

    @abstractmethod
    def cost(self, asked: Asked) -> tuple[str, int]:
        """Return the group of limits and the weight of a request."""

    @abstractmethod
    def limited(self, verdict: Verdict) -> Answer:
        """Return the answer to one request too many."""

    @abstractmethod
    def own_error(self) -> Answer:
        """Return an error in the exchange's own words."""

    def headers(self, _verdict: Verdict) -> tuple[tuple[str, str], ...]:
        return ()

    def topics_of(self, _path: str, _query: Mapping[str, str]) -> tuple[Topic, ...]:
        """Return what the address itself subscribes to."""
        return ()

    @abstractmethod
    def apply(self, text: str, path: str) -> Replies: ...

    @abstractmethod
    def frames(self, topic: Topic, view: View, before_ms: int) -> list[bytes]:
        """Return what is sent now; `before_ms` is the market time of the last sending."""


def json(value: object, status: int = 200) -> Answer:
    return Answer(status, msgspec.json.encode(value))


def encoded(value: object) -> bytes:
    return msgspec.json.encode(value)


def decoded(text: str) -> dict[str, object]:
    """Read a client's frame; one that is no object says nothing."""
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def stamp(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    return None if text is None else whole_number(text, STAMP_MS_MAX)


def count(query: Mapping[str, str], usual: int, most: int) -> int:
    found = stamp(query, "limit")
    return max(1, min(usual if found is None else found, most))
