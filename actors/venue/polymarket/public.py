"""Unsigned reads of the venue: its clock, its markets and books, and who won."""

from typing import Final
from urllib.parse import quote

import httpx
import msgspec

from actors.config import Venue
from actors.venue.answers import ListedMarket, TokenBook
from actors.venue.polymarket.listed_markets import read_book, read_listed_market
from actors.venue.polymarket.market_lists import find_event, list_path
from actors.venue.polymarket.market_rule import read_slug
from actors.venue.port import Unknown
from signals.market import Outcome

MS_PER_S: Final = 1_000
LATEST_S: Final = 1 << 42
"""A clock that says more is cut to this: as wrong, and its milliseconds fit a message."""
GONE: Final = (httpx.codes.NOT_FOUND, httpx.codes.GONE)
VERSION_MAX: Final = 40
"""Characters of a version that are told."""
HALF_SECOND_MS: Final = 500
"""The venue's clock has whole seconds: its middle is at most this far off."""


class _Token(msgspec.Struct):
    outcome: str
    winner: bool = False


class _Version(msgspec.Struct):
    version: int | str


class _Market(msgspec.Struct):
    tokens: tuple[_Token, ...]
    condition_id: str = ""


class PublicReads:
    def __init__(self, venue: Venue, timeout_s: float) -> None:
        self._http = httpx.AsyncClient(base_url=venue.clob_url, timeout=timeout_s)
        self._gamma = httpx.AsyncClient(base_url=venue.gamma_url, timeout=timeout_s)

    async def server_time_ms(self) -> int | Unknown:
        """Read the venue's clock: the middle of its current second."""
        body = await self._get("/time")
        if isinstance(body, Unknown):
            return body
        try:
            found_s = msgspec.json.decode(body, type=int, strict=False)
            return max(0, min(found_s, LATEST_S)) * MS_PER_S + HALF_SECOND_MS
        except msgspec.DecodeError as error:
            return Unknown(reason=f"/time: {error}")

    async def version(self) -> str | Unknown:
        """Read the protocol's version; an address that is gone is another protocol, not a fault."""
        try:
            response = await self._http.get("/version")
        except httpx.HTTPError as error:
            return Unknown(reason=f"/version: {type(error).__name__}: {error}")
        if response.status_code in GONE:
            return f"HTTP {response.status_code}"
        if not response.is_success:
            return Unknown(reason=f"/version: HTTP {response.status_code}")
        try:
            return str(msgspec.json.decode(response.content, type=_Version).version)[:VERSION_MAX]
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return repr(response.content[:VERSION_MAX])

    async def resolution(self, condition_id: str) -> Outcome | Unknown | None:
        body = await self._get(f"/markets/{condition_id}")
        if isinstance(body, Unknown):
            return body
        try:
            market = msgspec.json.decode(body, type=_Market)
            won = [Outcome(token.outcome) for token in market.tokens if token.winner]
        except (msgspec.DecodeError, ValueError) as error:
            return Unknown(reason=f"/markets/{condition_id}: {error}")
        if market.condition_id.lower() not in ("", condition_id.lower()):
            return Unknown(reason=f"/markets/{condition_id}: it is {market.condition_id[:80]}")
        if len(won) > 1:
            return Unknown(reason=f"/markets/{condition_id}: more than one winner")
        return won[0] if won else None

    async def market(self, slug: str) -> ListedMarket | Unknown | None:
        """Look under the slug, then in the list of what ends with its window."""
        body = await self._listing(f"/events/slug/{slug}")
        named = read_slug(slug)
        if body is None and named is not None:
            listed = await self._listing(list_path(named[1]))
            body = find_event(listed, slug) if isinstance(listed, bytes) else listed
        return read_listed_market(body, slug) if isinstance(body, bytes) else body

    async def _listing(self, path: str) -> bytes | Unknown | None:
        try:
            response = await self._gamma.get(path)
        except httpx.HTTPError as error:
            return Unknown(reason=f"{path}: {type(error).__name__}: {error}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if not response.is_success:
            return Unknown(reason=f"{path}: HTTP {response.status_code}")
        return response.content

    async def book(self, token_id: str) -> TokenBook | Unknown:
        body = await self._get(f"/book?token_id={quote(token_id, safe='')}")
        return body if isinstance(body, Unknown) else read_book(body, token_id)

    async def _get(self, path: str) -> bytes | Unknown:
        try:
            response = await self._http.get(path)
        except httpx.HTTPError as error:
            return Unknown(reason=f"{path}: {type(error).__name__}: {error}")
        if not response.is_success:
            return Unknown(reason=f"{path}: HTTP {response.status_code}")
        return response.content

    async def close(self) -> None:
        await self._http.aclose()
        await self._gamma.aclose()
