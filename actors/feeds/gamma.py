"""Find a window's market by its slug, and read what it says of itself.

Traps: lists come as JSON text inside JSON; `startDate` is about a day before the open; the price to
beat comes late or never; which ids count (`version`) is said per market; so is the look-back of the
average that settles it.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import httpx
import msgspec

from actors.feeds.http import Malformed, Missing, Unreachable, fetch
from actors.market_data.events import FetchMarket, MarketFound, MarketMissing
from actors.market_data.state import KnownMarket
from signals.market import Asset, Outcome, Window, market_slug
from signals.units import MicroShares, to_micro

LOOK_BACK_TEXTS: Final = (re.compile(r"twap-(\d+)s"), re.compile(r"(\d+)[- ]second"))
"""In the resolution source's address, or in the description."""
MS_PER_S: Final = 1_000


FEE_UNKNOWN: Final = "not known"
"""Where a market's fee is not one that the signal can charge: no trade."""
FEE_EXPONENT: Final = 1.0
"""Of p (1 - p): the only one that is charged here."""


class _FeeSchedule(msgspec.Struct, rename="camel"):
    rate: float | None = None
    exponent: float | None = None
    taker_only: bool | None = None


class _Config(msgspec.Struct, rename="camel"):
    twap_lookback_seconds: int | None = None
    asset: str | None = None
    duration: str | None = None
    twap_enabled: bool | None = None


class _Market(msgspec.Struct, rename="camel"):
    condition_id: str
    outcomes: str
    order_min_size: float
    order_price_min_tick_size: float
    version: str | None = None
    clob_token_ids: str | None = None
    position_ids: list[str] | None = None
    accepting_orders: bool = False
    closed: bool = False
    fees_enabled: bool | None = None
    fee_schedule: _FeeSchedule | None = None
    event_start_time: str | None = None
    end_date: str | None = None
    slug: str | None = None
    resolution_source: str | None = None
    description: str | None = None
    crypto_market_config: _Config | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    price_to_beat: float | None = None


class _Event(msgspec.Struct, rename="camel"):
    markets: list[_Market]
    event_metadata: _Metadata | None = None


_event = msgspec.json.Decoder(_Event)


def parse_event(body: bytes, asset: Asset, window: Window, now_ms: int) -> KnownMarket:
    """Read an event body as the market of this window; raise `Malformed`."""
    try:
        event = _event.decode(body)
    except msgspec.DecodeError as error:
        raise Malformed(f"{error}; it begins {body[:80]!r}") from error
    if len(event.markets) != 1:
        raise Malformed(f"{len(event.markets)} markets in one event")
    price = None if event.event_metadata is None else event.event_metadata.price_to_beat
    return parse_market(event.markets[0], asset, window, now_ms, price)


def parse_market(
    market: _Market, asset: Asset, window: Window, now_ms: int, price_to_beat: float | None
) -> KnownMarket:
    _check_window(market, asset, window)
    tokens = _tokens(market)
    return KnownMarket(
        asset=asset,
        window=window,
        condition_id=market.condition_id,
        up_token_id=tokens[Outcome.UP],
        down_token_id=tokens[Outcome.DOWN],
        accepting_orders=market.accepting_orders and not market.closed,
        fee_rate=_fee_rate(market),
        min_order_shares=MicroShares(_micro(market.order_min_size)),
        tick_micro_usd=_micro(market.order_price_min_tick_size),
        twap_lookback_seconds=_look_back(market),
        price_to_beat=price_to_beat if price_to_beat and price_to_beat > 0 else None,
        version=market.version or "v1",
        checked_ms=now_ms,
    )


def _check_window(market: _Market, asset: Asset, window: Window) -> None:
    """All that says whose market it is must agree: others look alike and settle otherwise."""
    _check_instant("eventStartTime", market.event_start_time, window.open_ms)
    _check_instant("endDate", market.end_date, window.close_ms)
    slug = market_slug(asset, window)
    if market.slug not in (None, slug):
        raise Malformed(f"asked for {slug}, this is {market.slug}")
    config = market.crypto_market_config or _Config()
    if config.asset not in (None, str(asset)) or config.duration not in (None, window.timeframe):
        raise Malformed(f"asked for {slug}, settles as {config.asset} over {config.duration}")
    if config.twap_enabled is False:
        raise Malformed("the market does not settle on an average")


def _check_instant(name: str, text: str | None, wanted_ms: int) -> None:
    if text is None:
        return
    try:
        found = datetime.fromisoformat(text)
        # one without a zone is UTC, whatever this machine's zone is
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        found_ms = found.timestamp() * MS_PER_S
    except (ValueError, OverflowError) as error:
        raise Malformed(f"{name} {text!r}") from error
    if found_ms != wanted_ms:
        raise Malformed(f"{name} {text}, which is not its slug's window")


def _tokens(market: _Market) -> dict[Outcome, str]:
    """Pair outcomes with ids by place; the names are Up and Down, in any order."""
    ids = market.position_ids if market.version == "v2" else _texts(market.clob_token_ids)
    try:
        names = [Outcome(name) for name in _texts(market.outcomes)]
        tokens = dict(zip(names, ids or [], strict=True))
    except ValueError as error:
        raise Malformed(f"outcomes {market.outcomes}, ids {ids}") from error
    numbers = {token for token in tokens.values() if token.isascii() and token.isdecimal()}
    if len(numbers) != len(Outcome):
        raise Malformed(f"outcomes {market.outcomes}, ids {ids}")
    return tokens


def _texts(text: str | None) -> list[str]:
    try:
        return msgspec.json.decode(text or "[]", type=list[str])
    except msgspec.DecodeError as error:
        raise Malformed(f"not a list of text inside text: {text!r}") from error


def _fee_rate(market: _Market) -> str:
    """Return the rate of a fee of rate x p (1 - p) on takers; any other fee is not known."""
    if market.fees_enabled is False:
        return "0"
    schedule = market.fee_schedule
    if schedule is None or schedule.rate is None or not 0 <= schedule.rate <= 1:
        return FEE_UNKNOWN
    plain = schedule.exponent == FEE_EXPONENT and schedule.taker_only is True
    return str(schedule.rate) if plain else FEE_UNKNOWN


def _look_back(market: _Market) -> int:
    config = market.crypto_market_config
    if config is not None and config.twap_lookback_seconds:
        return config.twap_lookback_seconds
    for text in (market.resolution_source, market.description):
        for pattern in LOOK_BACK_TEXTS:
            found = pattern.search(text or "")
            if found:
                return int(found[1])
    raise Malformed("the market does not say over how many seconds it averages")


def _micro(value: float) -> int:
    try:
        return to_micro(Decimal(str(value)))
    except (ArithmeticError, ValueError) as error:
        raise Malformed(f"{value!r} is not a number") from error


async def fetch_market(
    client: httpx.AsyncClient, ask: FetchMarket, now_ms: int
) -> MarketFound | MarketMissing | Unreachable:
    body = await fetch(client, f"/events/slug/{ask.slug}")
    match body:
        case Missing():
            return MarketMissing(slug=ask.slug)
        case Unreachable():
            return body
        case _:
            market = parse_event(body, ask.asset, ask.window, now_ms)
            return MarketFound(slug=ask.slug, market=market)
