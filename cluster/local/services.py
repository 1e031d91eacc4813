"""Ask the services of a fleet, in the order in which a fleet needs them; nothing is changed there.

No credential is made, no order is sent: only reads leave from here, to the configured addresses.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec

from actors.clock import wall_ms
from actors.config import FleetConfig, Mode
from actors.feeds.price_credential import CredentialError, credential_file, read_credential
from actors.feeds.price_watch import newest_ages
from actors.market_data.sources.addresses import REAL, SourceAddress
from actors.market_data.sources.catalogue import exchange_of
from actors.market_data.sources.connected import ExchangeSource
from actors.market_data.sources.port import Clock, Instruments, Refusal, Source
from actors.market_data.state import settings_of
from actors.venue.adapter import PublicReads
from actors.venue.answers import ListedMarket
from actors.venue.connect import adapter_of
from actors.venue.port import VERSION_KNOWN, Unknown
from cluster.local.findings import Finding, fault, note, ok, warning
from cluster.local.service_findings import (
    clock_finding,
    host_finding,
    markets_finding,
    prices_finding,
    region_finding,
    source_finding,
    sources_finding,
    version_finding,
)
from signals.market import Window, market_slug

SECONDS: Final = 5.0
"""Wire, for each request."""
CLOCK_SAMPLES: Final = 5
HOUR_MS: Final = 3_600_000
TOGETHER: Final = 8
"""Questions in the air at once: the discovery allows 500 in 10 s."""
AGENT: Final = {"User-Agent": "midstride"}
PRODUCTION: Final = "https://clob.polymarket.com"
REGION_URL: Final = "https://polymarket.com/api/geoblock"
PRICES_SECONDS: Final = 8.0


class Services:
    """The services of one configuration, asked together."""

    def __init__(
        self, fleet: FleetConfig, sources: Mapping[str, Source], reads: PublicReads
    ) -> None:
        self._fleet = fleet
        self._sources = sources
        self._reads = reads
        self._assets = settings_of(fleet).assets
        self._many = asyncio.Semaphore(TOGETHER)

    async def findings(self) -> list[Finding]:
        """Ask everything together; the rows come in the order of the checks."""
        groups = await asyncio.gather(
            self._clock(),
            self._hosts(),
            self._instruments(),
            self._region(),
            self._version(),
            self._account(),
            self._markets(),
            self._prices(),
        )
        return [finding for group in groups for finding in group]

    async def _clock(self) -> list[Finding]:
        offsets: dict[str, list[tuple[float, float]]] = {}
        for name, source in self._sources.items():
            samples = await self._samples(source)
            if samples:
                offsets[name] = samples
        return [clock_finding(offsets)] if self._sources else []

    async def _samples(self, source: Source) -> list[tuple[float, float]]:
        found: list[tuple[float, float]] = []
        for _ in range(CLOCK_SAMPLES):
            seen = await source.clock()
            mine_ms = self._fleet.clock.market_ms(wall_ms())
            if isinstance(seen, Clock):
                trip_ms = float(seen.round_trip_ms) * self._fleet.clock.speed
                found.append((seen.time_ms - mine_ms, trip_ms))
        return found

    async def _hosts(self) -> list[Finding]:
        venue = self._fleet.venue
        return list(
            await asyncio.gather(
                _host("venue: books", venue.clob_url + "/time"),
                _host("venue: markets", venue.gamma_url + "/events?limit=1&closed=false"),
                _host("venue: data", venue.data_url + "/"),
            )
        )

    async def _instruments(self) -> list[Finding]:
        names = list(self._sources)
        answers = await asyncio.gather(
            *(source.instruments(self._assets) for source in self._sources.values())
        )
        found: dict[str, Instruments | Refusal] = dict(zip(names, answers, strict=True))
        rows = [source_finding(name, one, self._assets) for name, one in found.items()]
        return [*rows, sources_finding(found, self._assets)] if found else []

    async def _region(self) -> list[Finding]:
        if self._fleet.venue.clob_url.rstrip("/") != PRODUCTION:
            return []
        return [await region(REGION_URL)]

    async def _version(self) -> list[Finding]:
        version = await self._reads.version()
        if isinstance(version, Unknown):
            return [warning("protocol", f"not read: {version.reason}")]
        return [version_finding(version, VERSION_KNOWN)]

    async def _account(self) -> list[Finding]:
        kept = kept_credential(self._fleet)
        if self._fleet.mode is Mode.LIVE:
            return [kept]
        return [kept, note("account", f"{self._fleet.mode}: no wallet and no balance is needed")]

    async def _markets(self) -> list[Finding]:
        now_ms = self._fleet.clock.market_ms(wall_ms())
        windows = list(next_hour(self._fleet, int(now_ms)))
        answers = await asyncio.gather(*(self._market(slug) for slug in windows))
        wrong = {slug: why for slug, why in zip(windows, answers, strict=True) if why}
        return [markets_finding(len(windows), wrong)]

    async def _market(self, slug: str) -> str:
        async with self._many:
            found = await self._reads.market(slug)
        if isinstance(found, ListedMarket):
            return ""
        return "not listed" if found is None else found.reason[:200]

    async def _prices(self) -> list[Finding]:
        try:
            kept = read_credential(credential_file(self._fleet.storage))
        except CredentialError:
            return []  # told in its own row
        if kept is None or kept.host != self._fleet.venue.clob_url:
            return [note("prices", "not asked: the fleet's first start gets the credential")]
        clock = self._fleet.clock
        found = await newest_ages(
            self._fleet.venue,
            kept,
            self._assets,
            PRICES_SECONDS,
            lambda: int(clock.market_ms(wall_ms())),
        )
        if isinstance(found, str):
            return [prices_finding({}, found)]
        ages = {
            asset: None if age is None else max(0, age // clock.speed)
            for asset, age in found.items()
        }
        return [prices_finding(ages)]


def next_hour(fleet: FleetConfig, now_ms: int) -> Sequence[str]:
    """Name an hour of windows of every slot, from the open one on."""
    slugs: dict[str, None] = {}
    for slot in settings_of(fleet).slots:
        window = Window.at(now_ms, slot.timeframe)
        for _ in range(max(1, HOUR_MS // slot.timeframe.length_ms)):
            slugs[market_slug(slot.asset, window)] = None
            window = Window(window.close_ms, slot.timeframe)
    return list(slugs)


def kept_credential(fleet: FleetConfig) -> Finding:
    """Look at the price credential's file; none is made here."""
    file = credential_file(fleet.storage)
    try:
        kept = read_credential(file)
    except CredentialError as error:
        return fault("price credential", str(error))
    if kept is None:
        return note("price credential", "none yet: the first start makes one and keeps it")
    return ok("price credential", f"{file}, readable by you only")


class _Region(msgspec.Struct):
    blocked: bool
    country: str = "?"


async def region(url: str) -> Finding:
    """Read where the venue believes this machine to be."""
    try:
        async with httpx.AsyncClient(timeout=SECONDS, headers=AGENT) as client:
            response = await client.get(url)
        found = msgspec.json.decode(response.content, type=_Region)
    except (httpx.HTTPError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return warning("region", f"not read: {type(error).__name__}; the first order will tell")
    return region_finding(found.blocked, found.country[:20])


async def _host(what: str, url: str) -> Finding:
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SECONDS):
            rows = await loop.getaddrinfo(parts.hostname, parts.port or 443)
    except (OSError, TimeoutError):
        return fault(what, f"{parts.hostname} has no address: check network and DNS")
    families = {row[0] for row in rows}
    if socket.AF_INET not in families:
        return fault(what, f"{parts.hostname} has IPv6 addresses only: IPv4 is needed")
    named = "IPv4 and IPv6" if len(families) > 1 else "IPv4"
    try:
        transport = httpx.AsyncHTTPTransport(local_address="0.0.0.0")  # noqa: S104 any IPv4
        async with httpx.AsyncClient(timeout=SECONDS, headers=AGENT, transport=transport) as client:
            response = await client.get(url)
    except httpx.HTTPError as error:
        return fault(what, f"{type(error).__name__}: check network, proxy and firewall")
    return host_finding(what, response.status_code, response.content[:2_000], named)


@asynccontextmanager
async def services_of(fleet: FleetConfig) -> AsyncIterator[Services]:
    """Open what a configuration names; close it all."""
    real = fleet.venue.clob_url.rstrip("/") == PRODUCTION
    named = fleet.sources or (REAL if real else ())
    sources: dict[str, Source] = {str(one.name): _source(one, fleet) for one in named}
    reads = adapter_of(fleet).public(fleet, SECONDS)
    try:
        yield Services(fleet, sources, reads)
    finally:
        await reads.close()
        for source in sources.values():
            await source.close()


def _source(address: SourceAddress, fleet: FleetConfig) -> Source:
    def market_ms() -> int:
        return int(fleet.clock.market_ms(wall_ms()))

    return ExchangeSource(
        exchange_of(address.name), address.rest_url, address.socket_url, market_ms
    )
