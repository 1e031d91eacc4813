"""What the paper venue asks the real one: terms, books, winners, whether it is open. No key."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Protocol

import httpx

from actors.config import Venue
from actors.venue.answers import ListedMarket, TokenBook
from actors.venue.paper.records import PaperMarket
from actors.venue.paper.rules import VenueState
from actors.venue.paper.terms import read_terms
from actors.venue.polymarket.public import PublicReads
from actors.venue.port import Unknown
from signals.market import Outcome

AGENT: Final = {"User-Agent": "midstride-paper"}
"""The venue's front refuses some libraries' own names."""
STATE_S: Final = 5.0
"""Wire, between two looks at whether the venue restarts."""
POST_ONLY_S: Final = 120.0
"""Wire: after a restart the venue takes only post-only orders for two minutes."""
POST_ONLY_CODE: Final = b"post_only_mode"


class PublicVenue:
    """Only GET requests leave from here, to addresses of the configuration."""

    def __init__(self, venue: Venue, timeout_s: float) -> None:
        self._reads = PublicReads(venue, timeout_s)
        self._http = httpx.AsyncClient(base_url=venue.clob_url, timeout=timeout_s, headers=AGENT)

    async def terms(self, condition_id: str) -> PaperMarket | Unknown:
        bodies: list[bytes] = []
        for path in (f"/clob-markets/{condition_id}", f"/markets/{condition_id}"):
            try:
                response = await self._http.get(path)
            except httpx.HTTPError as error:
                return Unknown(reason=f"{path}: {type(error).__name__}: {error}")
            if not response.is_success:
                return Unknown(reason=f"{path}: HTTP {response.status_code}")
            bodies.append(response.content)
        return read_terms(condition_id, bodies[0], bodies[1])

    async def state(self) -> VenueState | Unknown:
        """Say what the venue takes now, by its answer to a read."""
        try:
            response = await self._http.get("/ok")
        except httpx.HTTPError as error:
            return Unknown(reason=f"{type(error).__name__}: {error}")
        match response.status_code:
            case HTTPStatus.TOO_EARLY:
                return VenueState.RESTARTING
            case HTTPStatus.SERVICE_UNAVAILABLE:
                only_resting = POST_ONLY_CODE in response.content
                return VenueState.POST_ONLY if only_resting else VenueState.CANCEL_ONLY
            case HTTPStatus.OK:
                return VenueState.OPEN
            case status:
                return Unknown(reason=f"HTTP {status}")

    async def resolution(self, condition_id: str) -> Outcome | Unknown | None:
        return await self._reads.resolution(condition_id)

    async def server_time_ms(self) -> int | Unknown:
        return await self._reads.server_time_ms()

    async def version(self) -> str | Unknown:
        return await self._reads.version()

    async def market(self, slug: str) -> ListedMarket | Unknown | None:
        return await self._reads.market(slug)

    async def book(self, token_id: str) -> TokenBook | Unknown:
        return await self._reads.book(token_id)

    async def close(self) -> None:
        await self._reads.close()
        await self._http.aclose()


class HasState(Protocol):
    """What is asked whether the venue is open."""

    async def state(self) -> VenueState | Unknown: ...


async def follow_state(public: HasState, take: Callable[[VenueState], None]) -> None:
    """Follow the venue's restarts without end: a restart is followed by a post-only time."""
    opens_s = 0.0
    while True:
        now_s = asyncio.get_running_loop().time()
        state = await public.state()
        if state is VenueState.RESTARTING:
            opens_s = now_s + POST_ONLY_S
        elif state is VenueState.OPEN and now_s < opens_s:
            state = VenueState.POST_ONLY
        if not isinstance(state, Unknown):
            take(state)
        await asyncio.sleep(STATE_S)
