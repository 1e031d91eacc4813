"""Events of the venue's discovery as its stand-in for tests writes them."""

import json
from datetime import UTC, datetime
from typing import Any

from signals.market import Asset, Timeframe, Window, market_slug


def iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stream(asset: str, seconds: int = 60) -> str:
    return f"https://data.chain.link/streams/{asset}-usd-twap-{seconds}s-streams"


def config(asset: Asset, window: Window, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"{asset}-{window.timeframe}-twap-60",
        "asset": str(asset),
        "duration": str(window.timeframe),
        "twapEnabled": True,
        "twapLookbackSeconds": 60,
        **changes,
    }


def market_row(asset: Asset, window: Window, **changes: Any) -> dict[str, Any]:
    return {
        "slug": market_slug(asset, window),
        "conditionId": "0xabc",
        "outcomes": '["Up", "Down"]',
        "clobTokenIds": '["111", "222"]',
        "active": True,
        "acceptingOrders": True,
        "orderMinSize": 5,
        "orderPriceMinTickSize": 0.01,
        "feesEnabled": True,
        "feeType": "crypto_fees_v2",
        "feeSchedule": {"rate": 0.07, "exponent": 1, "takerOnly": True, "rebateRate": 0.2},
        "eventStartTime": iso(window.open_ms),
        "endDate": iso(window.close_ms),
        "startDate": iso(window.open_ms - 86_400_000),
        "resolutionSource": stream(asset),
        "cryptoMarketConfig": config(asset, window),
        "negRisk": False,
        **changes,
    }


def event_body(
    asset: Asset, window: Window, event: dict[str, Any] | None = None, **changes: Any
) -> bytes:
    rows = {"markets": [market_row(asset, window, **changes)]}
    return json.dumps(rows | (event or {})).encode()


WINDOW = Window(1_767_225_600_000, Timeframe.M5)
