"""Binance's futures and spot services."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from cluster.sandbox.model import FundingRate
from cluster.sandbox.prices.shapes import INTERVALS_MS
from cluster.sandbox.standins.faults import Fault
from cluster.sandbox.standins.quotas import Quota, Verdict
from cluster.sandbox.standins.standin import (
    Answer,
    Asked,
    Replies,
    StandIn,
    Topic,
    count,
    encoded,
    json,
    stamp,
)
from cluster.sandbox.standins.view import View

NO_SYMBOL = {"code": -1121, "msg": "Invalid symbol."}
TOO_MANY = {"code": -1003, "msg": "Too many requests; current limit is exceeded."}
ENVELOPE = {"status": "ERROR", "type": "GENERAL", "code": "99099990", "errorData": "illegal"}
STAMP_LATE_MS = 5
"""Funding is stamped some milliseconds past its hour."""
USUAL_HOURS = 8
HOUR_MS = 3_600_000


def _number(value: float) -> str:
    return f"{value:.8f}"


class _Binance(StandIn):
    prefix: str

    def limited(self, verdict: Verdict) -> Answer:
        wait = (("retry-after", str(math.ceil(verdict.left_ms / 1_000))),)
        return Answer(418 if verdict.banned else 429, encoded(TOO_MANY), wait)

    def own_error(self) -> Answer:
        return json(ENVELOPE)

    def headers(self, verdict: Verdict) -> tuple[tuple[str, str], ...]:
        return (("x-mbx-used-weight-1m", str(verdict.used)),)

    def answer(self, asked: Asked, view: View) -> Answer:
        path = asked.path.removeprefix(self.prefix)
        if path == "/time":
            return json({"serverTime": view.clock_ms})
        if path == "/exchangeInfo":
            return json({"timezone": "UTC", "symbols": [self._listed(one) for one in view.assets]})
        asset = asked.query.get("symbol", "").removesuffix("USDT").lower()
        if path == "/fundingInfo":
            return self.rest(path, "", asked, view)
        if asset not in view.assets:
            return json(NO_SYMBOL, 400)
        if path == "/klines":
            return self._klines(asset, asked, view)
        return self.rest(path, asset, asked, view)

    def rest(self, _path: str, _asset: str, _asked: Asked, _view: View) -> Answer:
        return json({"code": -5000, "msg": "Path not found"}, 404)

    def _listed(self, asset: str) -> dict[str, str]:
        return {"symbol": f"{asset.upper()}USDT", "status": "TRADING"}

    def _klines(self, asset: str, asked: Asked, view: View) -> Answer:
        interval = asked.query.get("interval", "")
        if interval not in INTERVALS_MS:
            return json({"code": -1120, "msg": "Invalid interval."}, 400)
        rows = view.klines(
            asset,
            interval,
            limit=count(asked.query, 500, 1_500),
            start_ms=stamp(asked.query, "startTime"),
            end_ms=stamp(asked.query, "endTime"),
        )
        found = [
            [
                view.stamp(row.open_market_ms),
                *(_number(one) for one in (row.open, row.high, row.low, row.close, row.volume)),
                view.stamp(row.close_market_ms),
                _number(row.volume * (row.high + row.low) / 2),
                row.trades,
                None if row.taker_buy is None else _number(row.taker_buy),
                None if row.taker_buy is None else _number(row.taker_buy * row.close),
                "0",
            ]
            for row in rows
        ]
        return json(found[::-1] if view.fault(Fault.REVERSED) else found)

    def topics_of(self, _path: str, query: Mapping[str, str]) -> tuple[Topic, ...]:
        found = []
        for text in query.get("streams", "").split("/"):
            symbol, _, channel = text.partition("@")
            found.append(Topic(channel, symbol.removesuffix("usdt")))
        return tuple(found)

    def apply(self, _text: str, _path: str) -> Replies:
        return Replies((encoded({"result": None, "id": 1}),))

    def frames(self, topic: Topic, view: View, before_ms: int) -> list[bytes]:
        if topic.asset not in view.assets:
            return []
        symbol = f"{topic.asset.upper()}USDT"
        if topic.channel == "kline_5m":
            data = [self._kline(symbol, topic.asset, view, before_ms)]
        elif topic.channel.startswith("markPrice"):
            data = [self._mark(symbol, topic.asset, view)]
        elif topic.channel == "aggTrade":
            data = [
                {
                    "e": "aggTrade",
                    "E": view.stamp(view.market_ms),
                    "s": symbol,
                    "a": view.market_ms,
                    "p": _number(view.mark(topic.asset)),
                    "q": "0.5",
                    "T": view.stamp(view.market_ms),
                    "m": False,
                }
            ]
        else:
            return []
        stream = f"{symbol.lower()}@{topic.channel}"
        return [encoded({"stream": stream, "data": one}) for one in data]

    def _kline(self, symbol: str, asset: str, view: View, before_ms: int) -> dict[str, Any]:
        """Return the forming candle, or once the one that has just ended."""
        row = view.forming(asset, "5m")
        if before_ms and before_ms < row.open_market_ms:
            row = view.klines(asset, "5m", limit=2)[0]
        closed = view.is_closed(row)
        kline = {
            "t": view.stamp(row.open_market_ms),
            "T": view.stamp(row.close_market_ms),
            "s": symbol,
            "i": "5m",
            "o": _number(row.open),
            "c": _number(row.close),
            "h": _number(row.high),
            "l": _number(row.low),
            "v": _number(row.volume),
            "n": row.trades,
            "x": closed,
            "q": _number(row.volume * (row.high + row.low) / 2),
            "V": None if row.taker_buy is None else _number(row.taker_buy),
            "Q": "0",
            "B": "0",
        }
        return {"e": "kline", "E": view.stamp(view.market_ms), "s": symbol, "k": kline}

    def _mark(self, symbol: str, asset: str, view: View) -> dict[str, Any]:
        return {
            "e": "markPriceUpdate",
            "E": view.stamp(view.market_ms),
            "s": symbol,
            "p": _number(view.mark(asset)),
            "i": _number(view.mark(asset)),
            "r": f"{view.funding(asset, 1)[-1].rate:.8f}",
            "T": view.stamp(view.next_funding_ms(asset)),
            "st": 1,
        }


class BinanceUsdm(_Binance):
    name = "binance_usdm"
    prefix = "/fapi/v1"
    quotas: ClassVar = {
        "weight": Quota(2_400, 60_000),
        "funding": Quota(500, 300_000),
        "statistics": Quota(1_000, 300_000),
    }
    socket_paths = ("/market/stream", "/market/ws")

    def cost(self, asked: Asked) -> tuple[str, int]:
        if asked.path.endswith(("/fundingRate", "/fundingInfo")):
            return "funding", 1
        if asked.path.startswith("/futures/data"):
            return "statistics", 1
        if asked.path.endswith("/klines"):
            rows = count(asked.query, 500, 1_500)
            return "weight", next((w for n, w in ((99, 1), (499, 2), (1_000, 5)) if rows <= n), 10)
        return "weight", 20 if asked.path.endswith("exchangeInfo") else 1

    def rest(self, path: str, asset: str, asked: Asked, view: View) -> Answer:
        symbol = f"{asset.upper()}USDT"
        if path == "/fundingInfo":
            listed = [
                {
                    "symbol": f"{one.upper()}USDT",
                    "fundingIntervalHours": view.funding_ms(one) // HOUR_MS,
                }
                for one in view.assets
                if view.funding_ms(one) != USUAL_HOURS * HOUR_MS
            ]
            return json(listed)
        if path == "/fundingRate":
            rows = view.funding(asset, count(asked.query, 100, 500))
            return json([self._rate(symbol, row, view) for row in rows])
        if path == "/premiumIndex":
            return json(
                {
                    "symbol": symbol,
                    "markPrice": _number(view.mark(asset)),
                    "lastFundingRate": f"{view.funding(asset, 1)[-1].rate:.8f}",
                    "nextFundingTime": view.stamp(view.next_funding_ms(asset)),
                    "time": view.stamp(view.market_ms),
                }
            )
        if path == "/openInterest":
            now = view.open_interest(asset)
            interest = f"{now.base_units:.3f}"
            return json(
                {"symbol": symbol, "openInterest": interest, "time": view.stamp(now.market_ms)}
            )
        if path == "/futures/data/openInterestHist":
            found = view.interest_history(asset, count(asked.query, 30, 500))
            mark = view.mark(asset)
            return json(
                [
                    {
                        "symbol": symbol,
                        "sumOpenInterest": _number(row.base_units),
                        "sumOpenInterestValue": _number(row.base_units * mark),
                        "timestamp": view.stamp(row.market_ms),
                    }
                    for row in found
                ]
            )
        return super().rest(path, asset, asked, view)

    def _rate(self, symbol: str, row: FundingRate, view: View) -> dict[str, Any]:
        return {
            "symbol": symbol,
            "fundingTime": view.stamp(row.market_ms + STAMP_LATE_MS),
            "fundingRate": f"{row.rate:.8f}",
            "markPrice": "",
            "rateType": "Regular",
        }


class BinanceSpot(_Binance):
    name = "binance_spot"
    prefix = "/api/v3"
    quotas: ClassVar = {"weight": Quota(6_000, 60_000)}
    socket_paths = ("/stream", "/ws")

    def cost(self, asked: Asked) -> tuple[str, int]:
        return "weight", 20 if asked.path.endswith("exchangeInfo") else 2
