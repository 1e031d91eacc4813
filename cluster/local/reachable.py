"""Which addresses of a paper or live fleet can be reached from here, and the wait until they can.

A fleet that cannot reach its venue would only fail slowly: so nothing is started before. What
cannot be reached is named within seconds, with what to do; the start goes on when it can.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import msgspec
from rich.console import Console
from rich.table import Table

from actors.config import FleetConfig, Mode, Venue
from actors.venue.kinds import VenueKind, kind_of

PROBE_SECONDS: Final = 4.0
"""Wire. All addresses are tried together, so the first table stands well within ten seconds."""
AGAIN_SECONDS: Final = 2.0
"""Wire, between two rounds."""
PORTS: Final = {"https": 443, "wss": 443, "http": 80, "ws": 80}
NO_NAME: Final = "its name has no address"
NETWORK: Final = "check the network and DNS of this machine; nothing else is needed"
REFUSED: Final = "check the address in [venue], a proxy or a firewall"
SLOW: Final = "check a firewall, and whether this country is served (docs/going-live.md)"
NO_TLS: Final = "check this machine's clock and certificates, or a proxy that opens TLS"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    what: str
    url: str
    one_of: str = ""
    """One address of these is enough; empty: this one is needed."""


class Unreached(msgspec.Struct, frozen=True, kw_only=True):
    address: Address
    why: str
    to_do: str


def addresses_of(config: FleetConfig) -> tuple[Address, ...]:
    """Return what a paper or live fleet cannot trade without."""
    venue = config.venue
    return (
        Address(what="venue: books, winners", url=venue.clob_url),
        Address(what="venue: markets", url=venue.gamma_url),
        Address(what="venue: book changes", url=venue.market_ws_url),
        Address(what="venue: prices", url=venue.prices_ws_url),
        *(_of_the_account(venue) if config.mode is Mode.LIVE else ()),
        *(
            Address(what=f"exchange: {one.name}", url=one.rest_url, one_of="exchanges")
            for one in config.sources
        ),
    )


def _of_the_account(venue: Venue) -> Iterator[Address]:
    yield Address(what="venue: own orders and fills", url=venue.user_ws_url)
    yield Address(what="venue: positions", url=venue.data_url)
    yield Address(what="venue: wallet, redemption", url=venue.relayer_url)


def blocking(addresses: tuple[Address, ...], missing: tuple[Unreached, ...]) -> bool:
    """Tell whether a fleet cannot trade without what is missing."""
    gone = {one.address for one in missing}
    groups: dict[str, list[bool]] = {}
    for address in addresses:
        groups.setdefault(address.one_of or address.url, []).append(address not in gone)
    return not all(any(there) for there in groups.values())


def unreached(addresses: tuple[Address, ...]) -> tuple[Unreached, ...]:
    """Try all addresses together."""

    async def all_of_them() -> list[Unreached | None]:
        return list(await asyncio.gather(*(_probe(address) for address in addresses)))

    return tuple(found for found in asyncio.run(all_of_them()) if found is not None)


async def _probe(address: Address) -> Unreached | None:
    parts = urlsplit(address.url)
    secure = parts.scheme in {"https", "wss"}
    try:
        port = parts.port or PORTS[parts.scheme]
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(
                parts.hostname, port, ssl=secure or None, family=socket.AF_INET
            )
        writer.close()
    except socket.gaierror:
        return Unreached(address=address, why=NO_NAME, to_do=NETWORK)
    except TimeoutError:
        why = f"no answer in {PROBE_SECONDS:.0f} s"
        return Unreached(address=address, why=why, to_do=SLOW)
    except ssl.SSLError as error:
        return Unreached(address=address, why=f"TLS: {error.reason}", to_do=NO_TLS)
    except (OSError, ValueError, KeyError) as error:
        why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        return Unreached(address=address, why=why, to_do=REFUSED)
    return None


def table_of(missing: tuple[Unreached, ...]) -> Table:
    table = Table("cannot be reached", "host", "why", box=None)
    for one in missing:
        table.add_row(one.address.what, urlsplit(one.address.url).netloc, one.why)
    return table


def mode_word(config: FleetConfig) -> str:
    """Return what every line of such a start begins with."""
    kind = kind_of(config)
    return "LIVE REHEARSAL" if kind is VenueKind.REHEARSAL else kind.upper()


def wait_until_reached(
    addresses: tuple[Address, ...], seconds: float | None, console: Console, word: str
) -> bool:
    """Wait until all addresses can be reached; False when the time is over before."""
    end = None if seconds is None else time.monotonic() + seconds
    told: set[str] = set()
    while blocking(addresses, missing := unreached(addresses)):
        names = {one.address.url for one in missing}
        if names != told:
            for line in _changes(told, names):
                console.print(line)
            console.print(table_of(missing))
            for to_do in dict.fromkeys(one.to_do for one in missing):
                console.print(f"what to do: {to_do}")
            console.print(
                f"{word}: nothing trades and nothing is started until all of these can be reached; "
                "the start goes on by itself. Ctrl-C ends it."
            )
            told = names
        left = AGAIN_SECONDS if end is None else min(AGAIN_SECONDS, end - time.monotonic())
        if left <= 0:
            console.print(f"{word}: the time is over; nothing was started and nothing was placed")
            return False
        time.sleep(left)
    for line in _changes(told, {one.address.url for one in missing}):
        console.print(line)
    if missing:
        console.print(table_of(missing))
        console.print(f"{word}: it goes on without these exchanges; the others serve every asset")
    return True


def _changes(before: set[str], now: set[str]) -> Iterator[str]:
    yield from (f"reached now: {url}" for url in sorted(before - now))
