"""What an adapter is: which requests answer a question, and how to read the answers. Pure.

`sources.rest` and `sources.socket` do the sending. An adapter never waits, asks or knows the time.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import msgspec

from actors.market_data.sources.limiter import Rate, Usage
from actors.market_data.sources.port import (
    Absent,
    Ask,
    Instrument,
    Instruments,
    Kind,
    SourceName,
    Value,
)
from actors.market_data.sources.reading import SourceFault, Unreadable
from signals.market import Asset


class Request(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    """With its query."""
    body: Any = None
    """Not None: a POST of this as JSON."""
    group: str
    """Of the limits that it counts against."""
    weight: int = 1


class Answered(NamedTuple):
    """The bodies that answer one question, in the order of its requests."""

    bodies: Sequence[bytes]
    clock_ms: int
    """Of the exchange when it answered the last one."""


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """How one socket is opened and kept."""

    path: str
    """After the socket's address; with its query."""
    frames: tuple[str, ...] = ()
    """To send once it is open."""
    ping: str = ""
    """Text that keeps it open; empty: the protocol's own pings do."""
    ping_every_s: float = 20.0


class Exchange(ABC):
    """One exchange's REST and socket format."""

    name: ClassVar[SourceName]
    kind: ClassVar[Kind]
    rates: ClassVar[dict[str, Rate]]

    suffix: ClassVar[str]
    """What the exchange's names of instruments end with, after the asset in capitals."""

    def symbol(self, asset: Asset) -> str:
        """Return the exchange's name of what is traded."""
        return asset.upper() + self.suffix

    @abstractmethod
    def requests(self, ask: Ask, clock_ms: int) -> tuple[Request, ...]:
        """Return what to send; raise `SourceFault` where it has no such thing."""

    @abstractmethod
    def read(self, ask: Ask, answered: Answered) -> tuple[Value, ...]:
        """Read the answers; raise `Unreadable` or `SourceFault`."""

    @abstractmethod
    def clock_request(self) -> Request: ...

    @abstractmethod
    def read_clock(self, body: bytes) -> int: ...

    @abstractmethod
    def instrument_requests(self) -> tuple[Request, ...]: ...

    @abstractmethod
    def symbols(self, bodies: Sequence[bytes]) -> dict[str, float]:
        """Return what trades now: symbol -> base units of one contract."""

    @abstractmethod
    def subscription(self, assets: tuple[Asset, ...]) -> Subscription: ...

    @abstractmethod
    def read_frame(self, frame: bytes) -> tuple[Value, ...]:
        """Read one frame; acknowledgements and the like are empty. Raises like `read`."""

    def usage(self, _headers: Mapping[str, str]) -> tuple[Usage, ...]:
        """Return what an answer's headers say of our use; most sources say nothing."""
        return ()

    def refusal(self, _body: bytes) -> SourceFault | None:
        """Read the exchange's own error out of a body, whatever the HTTP status was."""
        return None

    def asset_of(self, symbol: str) -> Asset | None:
        """Return the asset of an instrument; None where it is of another kind."""
        name = symbol.removesuffix(self.suffix).lower()
        try:
            asset = Asset(name)
        except ValueError:
            return None
        return asset if self.symbol(asset) == symbol else None

    def check_symbol(self, found: str | None, asset: Asset) -> None:
        if found not in (None, self.symbol(asset)):
            raise Unreadable(f"asked for {self.symbol(asset)}, this is {found}")

    def instruments(self, bodies: Sequence[bytes], assets: tuple[Asset, ...]) -> Instruments:
        trading = self.symbols(bodies)
        names = {asset: self.symbol(asset) for asset in assets}
        return Instruments(
            source=self.name,
            found=tuple(
                Instrument(source=self.name, asset=asset, symbol=name, contract_base=trading[name])
                for asset, name in names.items()
                if name in trading
            ),
            absent=tuple(
                Absent(source=self.name, asset=asset, reason=f"{self.name} trades no {name}")
                for asset, name in names.items()
                if name not in trading
            ),
        )
