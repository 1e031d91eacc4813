"""Bybit, v5: codes inside HTTP 200, rows newest first, the oldest open interest in seconds."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from cluster.sandbox.model import Kline
from cluster.sandbox.standins.faults import Fault
from cluster.sandbox.standins.quotas import Quota, Verdict
from cluster.sandbox.standins.standin import (
    Answer,
    Asked,
    Replies,
    StandIn,
    Topic,
    count,
    decoded,
    encoded,
    json,
    stamp,
)
from cluster.sandbox.standins.view import View

CODES: Final = {
    "5": "5m",
    "15": "15m",
    "30": "30m",
    "60": "1h",
    "240": "4h",
    "D": "1d",
    "W": "1w",
}
HOUR_MS: Final = 3_600_000


class Bybit(StandIn):
    name = "bybit"
    quotas: ClassVar = {"ip": Quota(600, 5_000)}
    socket_paths = ("/v5/public/linear",)
    silence_s = 30.0

    def cost(self, _asked: Asked) -> tuple[str, int]:
        return "ip", 1

    def limited(self, verdict: Verdict) -> Answer:
        if verdict.banned:
            return Answer(403, b'{"retCode":10018,"retMsg":"access too frequent"}')
        return json({"retCode": 10006, "retMsg": "Too many visits!", "result": {}, "time": 0})

    def own_error(self) -> Answer:
        return json({"retCode": 10016, "retMsg": "Server error.", "result": {}, "time": 0})

    def headers(self, verdict: Verdict) -> tuple[tuple[str, str], ...]:
        return (
            ("x-bapi-limit", str(verdict.limit)),
            ("x-bapi-limit-status", str(max(0, verdict.limit - verdict.used))),
        )

    def _result(self, view: View, asset: str, rows: list[Any]) -> Answer:
        result: dict[str, Any] = {"category": "linear", "list": rows, "nextPageCursor": ""}
        if asset:
            result["symbol"] = f"{asset.upper()}USDT"
        return json(
            {
                "retCode": 0,
                "retMsg": "OK",
                "result": result,
                "retExtInfo": {},
                "time": view.clock_ms,
            }
        )

    def answer(self, asked: Asked, view: View) -> Answer:
        path = asked.path.removeprefix("/v5/market")
        if path == "/time":
            return self._result(view, "", [])
        if path == "/instruments-info":
            rows = [
                {"symbol": f"{asset.upper()}USDT", "status": "Trading", "fundingInterval": 480}
                for asset in view.assets
            ]
            return self._result(view, "", rows)
        asset = asked.query.get("symbol", "").removesuffix("USDT").lower()
        if asset not in view.assets:
            error = {"retCode": 10001, "retMsg": "params error: symbol invalid", "result": {}}
            return json(error | {"time": view.clock_ms})
        match path:
            case "/kline":
                return self._klines(asset, asked.query, view)
            case "/funding/history":
                rates = view.funding(asset, count(asked.query, 50, 200))
                return self._result(
                    view,
                    "",
                    [
                        {
                            "symbol": f"{asset.upper()}USDT",
                            "fundingRate": f"{row.rate:.8f}",
                            "fundingRateTimestamp": str(view.stamp(row.market_ms)),
                        }
                        for row in rates[::-1]
                    ],
                )
            case "/tickers":
                return self._result(view, "", [self._ticker(asset, view)])
            case "/open-interest":
                return self._interest(asset, asked.query, view)
            case _:
                return Answer(404, b"404 page not found")

    def _klines(self, asset: str, query: Mapping[str, str], view: View) -> Answer:
        interval = CODES.get(query.get("interval", ""))
        if interval is None:
            error = {"retCode": 10001, "retMsg": "Invalid period!", "result": {}}
            return json(error | {"time": view.clock_ms})
        rows = view.klines(
            asset,
            interval,
            limit=count(query, 200, 1_000),
            start_ms=stamp(query, "start"),
            end_ms=stamp(query, "end"),
        )
        found = [self._row(row, view) for row in rows]
        return self._result(view, asset, found if view.fault(Fault.REVERSED) else found[::-1])

    def _row(self, row: Kline, view: View) -> list[str]:
        return [
            str(view.stamp(row.open_market_ms)),
            *(f"{one:.10g}" for one in (row.open, row.high, row.low, row.close)),
            f"{row.volume:.8f}",
            f"{row.volume * (row.high + row.low) / 2:.8f}",
        ]

    def _ticker(self, asset: str, view: View) -> dict[str, str]:
        return {
            "symbol": f"{asset.upper()}USDT",
            "markPrice": f"{view.mark(asset):.10g}",
            "fundingRate": f"{view.funding(asset, 1)[-1].rate:.8f}",
            "nextFundingTime": str(view.stamp(view.next_funding_ms(asset))),
            "fundingIntervalHour": str(view.funding_ms(asset) // HOUR_MS),
            "openInterest": f"{view.open_interest(asset).base_units:.8f}",
        }

    def _interest(self, asset: str, query: Mapping[str, str], view: View) -> Answer:
        rows = [
            {
                "openInterest": f"{row.base_units:.8f}",
                "singleOpenInterest": f"{row.base_units / 2:.3f}",
                "timestamp": str(view.stamp(row.market_ms)),
            }
            for row in view.interest_history(asset, count(query, 50, 200))[::-1]
        ]
        if len(rows) > 1:  # as recorded: the oldest row of a page
            rows[-1]["timestamp"] = str(int(rows[-1]["timestamp"]) // 1_000)
        return self._result(view, asset, rows)

    def apply(self, text: str, _path: str) -> Replies:
        asked = decoded(text)
        if asked.get("op") == "ping":
            return Replies((encoded({"success": True, "ret_msg": "pong", "op": "ping"}),))
        arguments = asked.get("args")
        topics = []
        for one in arguments if isinstance(arguments, list) else []:
            channel, _, symbol = str(one).rpartition(".")
            if channel not in ("kline.5", "tickers"):
                told = f"error:handler not found,topic:{one}"
                refused = {"success": False, "ret_msg": told, "op": "subscribe"}
                return Replies((encoded(refused),))
            topics.append(Topic(channel, symbol.removesuffix("USDT").lower()))
        return Replies(
            (encoded({"success": True, "ret_msg": "", "op": "subscribe"}),), tuple(topics)
        )

    def frames(self, topic: Topic, view: View, before_ms: int) -> list[bytes]:
        if topic.asset not in view.assets:
            return []
        name = f"{topic.channel}.{topic.asset.upper()}USDT"
        seen_ms = view.stamp(view.market_ms)
        if topic.channel == "tickers":
            kind = "delta" if before_ms else "snapshot"
            ticker: dict[str, str] = self._ticker(topic.asset, view)
            if before_ms:
                ticker = {name: ticker[name] for name in ("symbol", "markPrice")}
            return [encoded({"topic": name, "type": kind, "ts": seen_ms, "data": ticker})]
        rows = view.klines(topic.asset, "5m", limit=2)
        return [
            encoded(
                {"topic": name, "type": "snapshot", "ts": seen_ms, "data": [self._kline(row, view)]}
            )
            for row in rows
            if not before_ms or row.close_market_ms >= before_ms
        ]

    def _kline(self, row: Kline, view: View) -> dict[str, Any]:
        columns = self._row(row, view)
        names = ("open", "high", "low", "close", "volume", "turnover")
        return {
            "start": view.stamp(row.open_market_ms),
            "end": view.stamp(row.close_market_ms),
            "interval": "5",
            **dict(zip(names, columns[1:], strict=True)),
            "confirm": view.is_closed(row),
            "timestamp": view.stamp(view.market_ms),
        }
