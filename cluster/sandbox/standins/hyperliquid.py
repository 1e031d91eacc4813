"""Hyperliquid: POST /info, no closed flag, weeks that do not open on a Monday."""

from typing import Any, ClassVar, Final

import msgspec

from cluster.sandbox.model import Kline
from cluster.sandbox.prices.shapes import INTERVALS_MS
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

ROWS_MAX: Final = 5_000
FUNDING_ROWS: Final = 500
HOUR_MS: Final = 3_600_000
STAMP_LATE_MS: Final = 43
"""Funding is stamped up to 131 ms past its hour."""
BAD_BODY: Final = b"Failed to deserialize the JSON body into the target type"


class _Candles(msgspec.Struct, rename="camel", kw_only=True):
    coin: str
    interval: str
    start_time: int
    end_time: int


class _Info(msgspec.Struct, rename="camel", kw_only=True):
    type: str
    coin: str = ""
    start_time: int = 0
    req: _Candles | None = None


class Hyperliquid(StandIn):
    name = "hyperliquid"
    quotas: ClassVar = {"weight": Quota(1_200, 60_000)}
    socket_paths = ("/ws",)
    silence_s = 60.0

    def cost(self, asked: Asked) -> tuple[str, int]:
        try:
            info = msgspec.json.decode(asked.body, type=_Info)
        except msgspec.DecodeError:
            return "weight", 20
        if info.type == "l2Book":
            return "weight", 2
        if info.req is None:
            return "weight", 20
        length_ms = INTERVALS_MS.get(info.req.interval, HOUR_MS)
        rows = max(0, info.req.end_time - info.req.start_time) // length_ms
        return "weight", 20 + min(rows, ROWS_MAX) // 60

    def limited(self, _verdict: Verdict) -> Answer:
        return Answer(429, b"null")

    def own_error(self) -> Answer:
        return Answer(422, BAD_BODY)

    def answer(self, asked: Asked, view: View) -> Answer:  # noqa: C901, PLR0911 one arm a type
        try:
            info = msgspec.json.decode(asked.body, type=_Info)
        except msgspec.DecodeError:
            return Answer(422, BAD_BODY)
        if asked.path != "/info":
            return Answer(404, b"")
        match info.type:
            case "meta":
                return json({"universe": [{"name": one.upper()} for one in view.assets]})
            case "metaAndAssetCtxs":
                universe = [{"name": one.upper(), "szDecimals": 2} for one in view.assets]
                return json(
                    [{"universe": universe}, [self._context(one, view) for one in view.assets]]
                )
            case "predictedFundings":
                return json([[one.upper(), self._predicted(one, view)] for one in view.assets])
            case "l2Book":
                return json({"coin": info.coin, "time": view.clock_ms, "levels": [[], []]})
            case "fundingHistory":
                return self._funding(info, view)
            case "candleSnapshot":
                return self._candles(info.req, view)
            case _:
                return Answer(422, BAD_BODY)

    def _context(self, asset: str, view: View) -> dict[str, Any]:
        mark = f"{view.mark(asset):.8g}"
        return {
            "funding": f"{view.funding(asset, 1)[-1].rate:.10f}",
            "openInterest": f"{view.open_interest(asset).base_units:.5f}",
            "markPx": mark,
            "oraclePx": mark,
            "premium": None,
            "midPx": None,
            "impactPxs": None,
        }

    def _predicted(self, asset: str, view: View) -> list[Any]:
        """Say what other exchanges will charge: nothing of HYPE, and its own "next" is past."""
        own = view.funding(asset, 1)[-1]
        found: list[Any] = []
        for venue in ("BinPerp", "BybitPerp"):
            of_day = view.predicted(asset)
            found.append([venue, None if asset == "hype" else of_day])
        hl = {
            "fundingRate": f"{own.rate:.10f}",
            "nextFundingTime": view.stamp(own.market_ms),
            "fundingIntervalHours": 1,
        }
        found.insert(1, ["HlPerp", hl])
        return found

    def _funding(self, info: _Info, view: View) -> Answer:
        asset = info.coin.lower()
        if asset not in view.assets:
            return Answer(500, b"null")
        count = min(FUNDING_ROWS, max(1, (view.market_ms - info.start_time) // HOUR_MS))
        rows = view.funding(asset, count)
        return json(
            [
                {
                    "coin": info.coin,
                    "fundingRate": f"{row.rate:.10f}",
                    "premium": "0.0001",
                    "time": view.stamp(row.market_ms + STAMP_LATE_MS),
                }
                for row in rows
            ]
        )

    def _candles(self, asked: _Candles | None, view: View) -> Answer:
        if asked is None or asked.interval not in INTERVALS_MS:
            return Answer(422, BAD_BODY)
        asset = asked.coin.lower()
        if asset not in view.assets:
            return Answer(500, b"null")
        rows = view.klines(
            asset,
            asked.interval,
            limit=ROWS_MAX,
            start_ms=asked.start_time,
            end_ms=asked.end_time,
        )
        found = [self._row(asked.coin, asked.interval, row, view) for row in rows]
        return json(found[::-1] if view.fault(Fault.REVERSED) else found)

    def _row(self, coin: str, interval: str, row: Kline, view: View) -> dict[str, Any]:
        return {
            "t": view.stamp(row.open_market_ms),
            "T": view.stamp(row.close_market_ms),
            "s": coin,
            "i": interval,
            "o": f"{row.open:.10g}",
            "c": f"{row.close:.10g}",
            "h": f"{row.high:.10g}",
            "l": f"{row.low:.10g}",
            "v": f"{row.volume:.8f}",
            "n": row.trades,
        }

    def apply(self, text: str, _path: str) -> Replies:
        asked = decoded(text)
        if asked.get("method") == "ping":
            return Replies((encoded({"channel": "pong"}),))
        wanted = asked.get("subscription")
        if not isinstance(wanted, dict) or wanted.get("type") != "candle":
            return Replies((encoded({"channel": "error", "data": f"Invalid subscription {text}"}),))
        reply = {"channel": "subscriptionResponse", "data": asked}
        return Replies((encoded(reply),), (Topic("candle", str(wanted.get("coin", "")).lower()),))

    def frames(self, topic: Topic, view: View, before_ms: int) -> list[bytes]:
        if topic.asset not in view.assets:
            return []
        rows = view.klines(topic.asset, "5m", limit=2)
        return [
            encoded({"channel": "candle", "data": self._row(topic.asset.upper(), "5m", row, view)})
            for row in rows
            if not before_ms or row.close_market_ms >= before_ms
        ]
