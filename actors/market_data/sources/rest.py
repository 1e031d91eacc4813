"""Send an exchange's requests, at the speed that it allows, and judge what comes back."""

import asyncio
import secrets
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

import httpx
import msgspec

from actors.market_data.sources.exchange import Answered, Exchange, Request
from actors.market_data.sources.health import REASON_MAX, Health, after_refusal, read_status
from actors.market_data.sources.limiter import full_limiter, learn, take
from actors.market_data.sources.port import (
    Ask,
    Cause,
    Clock,
    Instruments,
    Refusal,
    SourceName,
    Value,
)
from actors.market_data.sources.reading import SourceFault, Unreadable
from signals.market import Asset

TIMEOUT_S: Final = 3.0
"""Wire, per request: two of them, and the same from another source, fit before a decision."""
BODY_BYTES_MAX: Final = 64_000_000
"""The list of all instruments of the largest exchange is some 20 MB."""
QUEUE_MAX_MS: Final = 120_000
"""Wire that a request waits for our own limiter: the history of eight assets from the source with
the tightest limit. One that would wait longer is not sent."""
AGENT: Final = "midstride"
"""Some services refuse the names of common libraries."""
CLOCK_WEAK_MS: Final = 3_000
"""Market. Without the exchange's time, a candle's end must be so long past by ours."""
DATE_GRAIN_MS: Final = 1_000
"""A Date header is cut to whole seconds."""
HALF: Final = 2

_T = TypeVar("_T")


def wire_now_ms() -> int:
    """Return wire time that no one sets back: for limits and pauses."""
    return time.monotonic_ns() // 1_000_000


class RestSide:
    """One exchange's REST side; its health is that of the whole source."""

    def __init__(self, exchange: Exchange, url: str, market_ms: Callable[[], int]) -> None:
        self._exchange = exchange
        self._market_ms = market_ms
        self._limiter = full_limiter(exchange.rates, wire_now_ms())
        self._chance = secrets.SystemRandom().random
        self._ahead_ms = 0
        """Market. By how much the exchange's clock is ahead of ours, at least."""
        self.health = Health()
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=TIMEOUT_S,
            headers={"user-agent": AGENT, "accept": "application/json"},
            # some hosts have IPv6 addresses that many networks cannot reach
            transport=httpx.AsyncHTTPTransport(local_address="0.0.0.0"),  # noqa: S104 any IPv4
        )

    @property
    def name(self) -> SourceName:
        return self._exchange.name

    async def backfill(self, ask: Ask) -> tuple[Value, ...] | Refusal:
        try:
            requests = self._exchange.requests(ask, self._market_ms() + self._ahead_ms)
        except SourceFault as said:
            return self._noted(self._refused(said))
        return await self._read(requests, lambda answered: self._exchange.read(ask, answered))

    async def clock(self) -> Clock | Refusal:
        request = self._exchange.clock_request()
        started_ms = wire_now_ms()
        found = await self._read(
            (request,), lambda answered: self._exchange.read_clock(answered.bodies[0])
        )
        if isinstance(found, Refusal):
            return found
        round_trip_ms = wire_now_ms() - started_ms
        return Clock(
            source=self.name, time_ms=found + round_trip_ms // HALF, round_trip_ms=round_trip_ms
        )

    async def instruments(self, assets: tuple[Asset, ...]) -> Instruments | Refusal:
        return await self._read(
            self._exchange.instrument_requests(),
            lambda answered: self._exchange.instruments(answered.bodies, assets),
        )

    async def close(self) -> None:
        await self._client.aclose()

    # ---- inside

    async def _read(
        self, requests: tuple[Request, ...], read: Callable[[Answered], _T]
    ) -> _T | Refusal:
        """Send all at once, and read the answers together: one that fails fails all."""
        sent_ms = self._market_ms()
        answers = await asyncio.gather(*(self._send(request) for request in requests))
        good: list[httpx.Response] = []
        for answer in answers:
            if isinstance(answer, Refusal):
                return self._noted(answer)
            good.append(answer)
        clock_ms = self._clock_ms(good, sent_ms)
        try:
            found = read(Answered([answer.content for answer in good], clock_ms))
        except SourceFault as said:
            return self._noted(self._refused(said))
        except Exception as error:  # noqa: BLE001 a body of strangers must not end its feed
            reason = str(error) if isinstance(error, Unreadable) else f"unreadable: {error!r}"
            return self._noted(self._refusal(Cause.MALFORMED, reason))
        self.health = Health()
        return found

    def _clock_ms(self, answers: list[httpx.Response], sent_ms: int) -> int:
        """Return the exchange's own time of the newest answer; ours may be wrong."""
        now_ms = self._market_ms()
        told = [date_ms(answer.headers.get("date", "")) for answer in answers]
        told_ms = max((one for one in told if one is not None), default=None)
        if told_ms is None:
            return now_ms + self._ahead_ms - CLOCK_WEAK_MS
        self._ahead_ms = ahead_ms(told_ms, sent_ms, now_ms)
        return told_ms

    async def _send(self, request: Request) -> httpx.Response | Refusal:
        now_ms = wire_now_ms()
        if now_ms < self.health.not_before_ms:
            wait_ms = self.health.not_before_ms - now_ms
            return self._refusal(Cause.HELD_BACK, f"{self.health.reason}; not asked", wait_ms)
        limiter, wait_ms = take(self._limiter, request.group, request.weight, now_ms)
        if wait_ms > QUEUE_MAX_MS:
            return self._refusal(Cause.HELD_BACK, f"our own limit: {wait_ms} ms to wait", wait_ms)
        self._limiter = limiter
        if wait_ms:
            await asyncio.sleep(wait_ms / 1_000)
        try:
            if request.body is None:
                response = await self._client.get(request.path)
            else:
                response = await self._client.post(request.path, json=request.body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return self._refusal(Cause.UNREACHABLE, f"{type(error).__name__}: {error}")
        return self._judged(response, self._exchange.rates[request.group].per_ms)

    def _judged(self, response: httpx.Response, period_ms: int) -> httpx.Response | Refusal:
        for usage in self._exchange.usage(response.headers):
            self._limiter = learn(self._limiter, usage, wire_now_ms())
        body = response.content
        if len(body) > BODY_BYTES_MAX:
            return self._refusal(Cause.MALFORMED, f"{len(body)} bytes")
        refusal = read_status(self.name, response.status_code, response.headers, body)
        if refusal is not None and refusal.cause is Cause.LIMITED and refusal.wait_ms is None:
            return msgspec.structs.replace(refusal, wait_ms=period_ms)
        if refusal is not None and refusal.cause is not Cause.REFUSED:
            return refusal
        said = self._exchange.refusal(body)
        if said is not None:
            return self._refused(said, refusal.wait_ms if refusal is not None else None)
        return response if refusal is None else refusal

    def _refused(self, said: SourceFault, wait_ms: int | None = None) -> Refusal:
        return self._refusal(said.cause, str(said), said.wait_ms or wait_ms)

    def _refusal(self, cause: Cause, reason: str, wait_ms: int | None = None) -> Refusal:
        return Refusal(source=self.name, cause=cause, reason=reason[:REASON_MAX], wait_ms=wait_ms)

    def _noted(self, refusal: Refusal) -> Refusal:
        self.health = after_refusal(self.health, refusal, wire_now_ms(), self._chance())
        return refusal


def ahead_ms(told_ms: int, sent_ms: int, received_ms: int) -> int:
    """Return by how much a clock is ahead of ours at least; told between sending and receiving."""
    if told_ms > received_ms:
        return told_ms - received_ms
    return min(0, told_ms + DATE_GRAIN_MS - sent_ms)


def date_ms(text: str) -> int | None:
    """Read a Date header: the exchange's own time, cut to whole seconds."""
    try:
        return int(parsedate_to_datetime(text).timestamp() * 1_000)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
