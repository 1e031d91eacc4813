"""Coinbase spot: seconds, newest first, `[time, low, high, open, close, volume]`."""

import datetime as dt
from typing import Any, ClassVar, Final

from cluster.sandbox.standins.faults import Fault
from cluster.sandbox.standins.quotas import Quota, Verdict
from cluster.sandbox.standins.standin import (
    Answer,
    Asked,
    Replies,
    StandIn,
    Topic,
    decoded,
    encoded,
    json,
)
from cluster.sandbox.standins.view import View

GRANULARITIES: Final = {"300": "5m", "900": "15m", "3600": "1h", "86400": "1d"}
ROWS_MAX: Final = 300
SUFFIX: Final = "-USD"


def _iso(time_ms: int) -> str:
    at = dt.datetime.fromtimestamp(time_ms / 1_000, dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ms(text: str) -> int | None:
    try:
        return int(dt.datetime.fromisoformat(text).timestamp() * 1_000)
    except ValueError:
        return None


class Coinbase(StandIn):
    name = "coinbase"
    quotas: ClassVar = {"address": Quota(10, 1_000)}
    socket_paths = ("/",)
    hello_s = 5.0

    def cost(self, _asked: Asked) -> tuple[str, int]:
        return "address", 1

    def limited(self, _verdict: Verdict) -> Answer:
        errors = {"errors": [{"id": "rate_limit_exceeded", "message": "Too many requests"}]}
        return json(errors, 429)

    def own_error(self) -> Answer:
        return json({"message": "Internal server error"}, 400)

    def answer(self, asked: Asked, view: View) -> Answer:
        if asked.path == "/time":
            return json({"iso": _iso(view.clock_ms), "epoch": view.clock_ms / 1_000})
        if asked.path == "/products":
            return json([self._listed(asset) for asset in view.assets])
        parts = asked.path.split("/")
        asset = parts[2].removesuffix(SUFFIX).lower() if len(parts) == 4 else ""  # noqa: PLR2004
        if asset not in view.assets or parts[-1] != "candles":
            return json({"message": "NotFound"}, 404)
        return self._candles(asset, asked, view)

    def _listed(self, asset: str) -> dict[str, str]:
        return {"id": asset.upper() + SUFFIX, "status": "online", "quote_currency": "USD"}

    def _candles(self, asset: str, asked: Asked, view: View) -> Answer:
        seconds = asked.query.get("granularity", "")
        interval = GRANULARITIES.get(seconds)
        start_ms, end_ms = (_ms(asked.query.get(name, "")) for name in ("start", "end"))
        if interval is None or start_ms is None or end_ms is None:
            return json({"message": "Unsupported granularity"}, 400)
        if (end_ms - start_ms) // (int(seconds) * 1_000) > ROWS_MAX:
            told = "granularity too small for the requested time range. Count of aggregations"
            return json({"message": f"{told} requested exceeds {ROWS_MAX}"}, 400)
        rows = view.klines(asset, interval, limit=ROWS_MAX, start_ms=start_ms, end_ms=end_ms)
        found = [
            [
                view.stamp_seconds(row.open_market_ms),
                row.low,
                row.high,
                row.open,
                row.close,
                row.volume,
            ]
            for row in rows
        ]
        return json(found if view.fault(Fault.REVERSED) else found[::-1])

    def apply(self, text: str, _path: str) -> Replies:
        asked = decoded(text)
        products = asked.get("product_ids")
        if asked.get("type") != "subscribe" or not isinstance(products, list):
            error = {"type": "error", "message": "Failed to subscribe", "reason": "bad frame"}
            return Replies((encoded(error),))
        reply = {"type": "subscriptions", "channels": asked.get("channels")}
        topics = tuple(Topic("matches", str(one).removesuffix(SUFFIX).lower()) for one in products)
        return Replies((encoded(reply),), topics)

    def frames(self, topic: Topic, view: View, before_ms: int) -> list[bytes]:
        if topic.asset not in view.assets:
            return []
        trade: dict[str, Any] = {
            "type": "match" if before_ms else "last_match",
            "trade_id": view.market_ms,
            "side": "sell",
            "size": "0.01",
            "price": f"{view.mark(topic.asset):.10g}",
            "product_id": topic.asset.upper() + SUFFIX,
            "sequence": view.market_ms,
            "time": _iso(view.market_ms),
        }
        return [encoded(trade)]
