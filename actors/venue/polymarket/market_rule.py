"""Is a listed market the one that a slot trades? Pure; what cannot be told is a no.

Markets of other rules look alike: hourly ones carry the same fee, tick, minimum and outcomes, and
settle on a candle. So everything that says what a market is about must be said, and must agree.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from signals.market import Asset, Timeframe, Window, market_slug
from signals.units import TAKER_FEE_PERMILLE_MAX

LOOK_BACK_S: Final = 60
"""Of the average that the price feed is asked for; a market that settles on another is not ours."""
MS_PER_S: Final = 1_000
FEE_TYPES: Final = ("", "crypto_fees_v2")
"""Names of the one fee form that is charged here: rate x p (1 - p), takers only."""
FEE_EXPONENT: Final = 1.0
SOURCE: Final = re.compile(
    r"https://data\.chain\.link/streams/([a-z0-9]+)-usd-twap-(\d+)s(?:-streams)?/?"
)
ADDRESS: Final = re.compile(r"https?://[^\s)\"'<>]+")
OTHER_RULES: Final = re.compile(r"binance|coinbase|kraken|\bcandle\b", re.IGNORECASE)
"""Words of markets that settle on an exchange's candle."""
SLUG_PARTS: Final = 4
OPEN_S_MAX: Final = 1 << 33


class FeeSchedule(msgspec.Struct, frozen=True, rename="camel"):
    rate: float | None = None
    exponent: float | None = None
    taker_only: bool | None = None


class SettlementConfig(msgspec.Struct, frozen=True, rename="camel"):
    id: str | None = None
    asset: str | None = None
    duration: str | None = None
    twap_enabled: bool | None = None
    twap_lookback_seconds: int | None = None


class MarketRule(msgspec.Struct, rename="camel", kw_only=True):
    """What one market says of itself; readers add the fields that they want besides."""

    slug: str | None = None
    event_start_time: str | None = None
    end_date: str | None = None
    crypto_market_config: SettlementConfig | None = None
    resolution_source: str | None = None
    description: str | None = None
    fees_enabled: bool | None = None
    fee_type: str | None = None
    fee_schedule: FeeSchedule | None = None
    neg_risk: bool | None = None


class EventRule(msgspec.Struct, rename="camel", kw_only=True):
    """What the event around a market says; each may be absent, none may contradict."""

    slug: str | None = None
    series_slug: str | None = None
    start_time: str | None = None
    end_date: str | None = None
    resolution_source: str | None = None


def disagreements(market: MarketRule, event: EventRule, asset: Asset, window: Window) -> list[str]:
    """Name all that keeps this market from being that of the asset and window; none: it is."""
    return [
        *_names(market, event, asset, window),
        *_times(market, event, window),
        *_settlement(market.crypto_market_config, asset, window),
        *_source(market, event, asset),
        *_fee(market),
    ]


def fee_rate(market: MarketRule) -> str:
    """Return the rate of a market that has no disagreements."""
    schedule = market.fee_schedule
    return "0" if schedule is None or schedule.rate is None else str(schedule.rate)


def read_slug(slug: str) -> tuple[Asset, Window] | None:
    """Read ``btc-updown-5m-1767225600``; None for anything else."""
    parts = slug.split("-")
    if len(parts) != SLUG_PARTS or parts[1] != "updown":
        return None
    opened = parts[3]
    if not (opened.isascii() and opened.isdecimal() and len(opened) <= len(str(OPEN_S_MAX))):
        return None
    try:
        asset, window = Asset(parts[0]), Window(int(opened) * MS_PER_S, Timeframe(parts[2]))
    except ValueError:
        return None
    return (asset, window) if market_slug(asset, window) == slug else None


def _names(market: MarketRule, event: EventRule, asset: Asset, window: Window) -> Iterator[str]:
    slug, series = market_slug(asset, window), f"{asset}-up-or-down-{window.timeframe}"
    if market.slug != slug:
        yield f"slug {market.slug}, not {slug}"
    if event.slug not in (None, slug):
        yield f"slug {event.slug} of its event, not {slug}"
    if event.series_slug not in (None, "", series):
        yield f"series {event.series_slug}, not {series}"
    if market.neg_risk:
        yield "negRisk true: its orders are signed for another exchange"


def _times(market: MarketRule, event: EventRule, window: Window) -> Iterator[str]:
    for name, text, wanted_ms, needed in (
        ("eventStartTime", market.event_start_time, window.open_ms, True),
        ("endDate", market.end_date, window.close_ms, True),
        ("startTime of its event", event.start_time, window.open_ms, False),
        ("endDate of its event", event.end_date, window.close_ms, False),
    ):
        if text is None and not needed:
            continue
        if text is None:
            yield f"{name} is not said"
        elif instant_ms(text) != wanted_ms:
            yield f"{name} {text}, not the window's of its slug"


def instant_ms(text: str) -> float | None:
    """Read a time; one without a zone is UTC, whatever this machine's zone is."""
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return found.timestamp() * MS_PER_S
    except (ValueError, OverflowError):
        return None


def _settlement(config: SettlementConfig | None, asset: Asset, window: Window) -> Iterator[str]:
    if config is None:
        yield "cryptoMarketConfig is not said: it does not settle on an average"
        return
    if config.twap_enabled is not True:
        yield f"twapEnabled {config.twap_enabled}: it does not settle on an average"
    if config.twap_lookback_seconds != LOOK_BACK_S:
        yield f"twapLookbackSeconds {config.twap_lookback_seconds}, not {LOOK_BACK_S}"
    if config.asset != str(asset):
        yield f"settles on asset {config.asset}, not {asset}"
    if config.duration != str(window.timeframe):
        yield f"settles over duration {config.duration}, not {window.timeframe}"
    usual = f"{asset}-{window.timeframe}-twap-{LOOK_BACK_S}"
    if config.id not in (None, "", usual):
        yield f"cryptoMarketConfig {config.id}, not {usual}"


def _source(market: MarketRule, event: EventRule, asset: Asset) -> Iterator[str]:
    """One address at least must name the average's stream, and none may name another source."""
    text = market.description or ""
    addresses = [
        *(said for said in (market.resolution_source, event.resolution_source) if said),
        *(found.rstrip(".,;") for found in ADDRESS.findall(text)),
    ]
    if not addresses:
        yield "resolutionSource is not said"
    for address in addresses:
        read = SOURCE.fullmatch(address)
        if read is None:
            yield f"resolution source {address[:100]} is no stream of averages"
        elif (read[1], int(read[2][:9])) != (str(asset), LOOK_BACK_S):
            yield f"resolution source {address[:100]}, not {asset} over {LOOK_BACK_S} s"
    other = OTHER_RULES.search(text)
    if other is not None:
        yield f"its description speaks of {other[0]!r}"


def _rate(market: MarketRule, rate: float | None) -> Iterator[str]:
    most = TAKER_FEE_PERMILLE_MAX / 1_000
    if rate is None or not math.isfinite(rate) or not 0 <= rate <= 1:
        yield f"fee rate {rate}"
    elif rate > most:
        yield f"fee rate {rate}, above {most:g}, which limits reckon with"
    elif rate and market.fees_enabled is False:
        yield f"fee rate {rate}, and fees are off"


def _fee(market: MarketRule) -> Iterator[str]:
    """A fee that is not said is not zero."""
    schedule, kind = market.fee_schedule, market.fee_type or ""
    if kind not in FEE_TYPES:
        yield f"fee type {kind[:40]!r} is not known"
    if schedule is None:
        if market.fees_enabled is not False:
            yield "the fee is not said"
        return
    yield from _rate(market, schedule.rate)
    if schedule.exponent != FEE_EXPONENT:
        yield f"fee exponent {schedule.exponent}, not {FEE_EXPONENT:g}"
    if schedule.taker_only is not True:
        yield f"fee takerOnly {schedule.taker_only}"
