"""One look at the price socket: how new are its averages. It makes no credential."""

import asyncio
from collections.abc import Callable

from actors.config import Venue
from actors.feeds.price_credential import Credential, PriceLogin
from actors.feeds.price_stream import PriceStream
from actors.market_data.events import Event, StreamTrouble, TicksReceived
from signals.market import Asset


class _Kept(PriceLogin):
    """Answers with the credential that it was given, and asks for none."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    async def credential(self, _venue: Venue) -> Credential:
        return self._credential

    async def renew(self, _venue: Venue) -> None:
        return


async def newest_ages(
    venue: Venue,
    credential: Credential,
    assets: tuple[Asset, ...],
    seconds: float,
    market_ms: Callable[[], int],
) -> dict[Asset, int | None] | str:
    """Return how old each asset's newest average was when it came; why not, if refused."""
    events: asyncio.Queue[Event] = asyncio.Queue()
    stream = PriceStream(venue, events.put_nowait, _Kept(credential))
    newest: dict[Asset, int | None] = dict.fromkeys(assets)
    stream.follow(assets)
    why = ""
    try:
        async with asyncio.timeout(seconds):
            while any(age is None for age in newest.values()) and not why:
                why = _note(newest, await events.get(), market_ms())
    except TimeoutError:
        pass  # what did not come is told as absent
    finally:
        await stream.close()
    return why or newest


def _note(newest: dict[Asset, int | None], event: Event, now_ms: int) -> str:
    match event:
        case TicksReceived(asset=asset, ticks=ticks) if ticks.observed_ms:
            newest[asset] = now_ms - max(ticks.observed_ms)
        case StreamTrouble(reason=reason):
            return reason
        case _:
            pass
    return ""
