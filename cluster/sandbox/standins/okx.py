"""OKX, v5: codes inside HTTP 200, rows newest first, amounts in contracts."""

from typing import Any, ClassVar, Final

from cluster.sandbox.model import FundingRate, Kline
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

BARS: Final = {
    "5m": "5m",
    "15m": "15m",
    "30m": "30m",
    "1H": "1h",
    "4H": "4h",
    "1Dutc": "1d",
    "1Wutc": "1w",
}
CONTRACT: Final = {"btc": 0.01, "eth": 0.1, "hype": 0.1}
"""Base units of a contract; of others: 1."""
SUFFIX: Final = "-USDT-SWAP"
NO_INSTRUMENT: Final = "Instrument ID, Instrument ID code, or Spread ID doesn't exist."


def _error(code: str, message: str) -> bytes:
    return encoded({"code": code, "data": [], "msg": message})


def _data(rows: list[Any]) -> Answer:
    return json({"code": "0", "msg": "", "data": rows})


class Okx(StandIn):
    name = "okx"
    quotas: ClassVar = {
        "candles": Quota(40, 2_000),
        "funding": Quota(10, 2_000),
        "statistics": Quota(5, 2_000),
        "other": Quota(20, 2_000),
    }
    socket_paths = ("/ws/v5/business", "/ws/v5/public")
    silence_s = 30.0

    def cost(self, asked: Asked) -> tuple[str, int]:
        if asked.path == "/api/v5/market/candles":
            return "candles", 1
        if asked.path.endswith("funding-rate-history"):
            return "funding", 1
        if "/rubik/" in asked.path:
            return "statistics", 1
        return "other", 1

    def limited(self, _verdict: Verdict) -> Answer:
        return Answer(429, _error("50011", "Too Many Requests"))

    def own_error(self) -> Answer:
        return Answer(200, _error("50026", "System error. Try again later."))

    def answer(self, asked: Asked, view: View) -> Answer:  # noqa: C901, PLR0911 one arm a path
        path = asked.path.removeprefix("/api/v5")
        if path == "/public/time":
            return _data([{"ts": str(view.clock_ms)}])
        if path == "/public/instruments":
            return _data([self._listed(asset) for asset in view.assets])
        asset = asked.query.get("instId", "").removesuffix(SUFFIX).lower()
        if asset not in view.assets:
            return Answer(200, _error("51001", NO_INSTRUMENT))
        match path:
            case "/market/candles":
                return self._candles(asset, asked, view)
            case "/public/funding-rate":
                return _data([self._funding(asset, view)])
            case "/public/funding-rate-history":
                rows = view.funding(asset, count(asked.query, 100, 400))
                return _data([self._charged(asset, row, view) for row in rows[::-1]])
            case "/public/open-interest":
                return _data([self._interest(asset, view)])
            case "/rubik/stat/contracts/open-interest-history":
                return self._interest_history(asset, asked, view)
            case _:
                return Answer(404, _error("404", "Not Found"))

    def _listed(self, asset: str) -> dict[str, str]:
        return {
            "instId": asset.upper() + SUFFIX,
            "instType": "SWAP",
            "ctVal": f"{CONTRACT.get(asset, 1)}",
            "ctType": "linear",
            "state": "live",
        }

    def _candles(self, asset: str, asked: Asked, view: View) -> Answer:
        interval = BARS.get(asked.query.get("bar", ""))
        if interval is None:
            return Answer(200, _error("51000", "Parameter bar error"))
        after_ms = stamp(asked.query, "after")
        rows = view.klines(
            asset,
            interval,
            limit=count(asked.query, 100, 300),
            end_ms=None if after_ms is None else after_ms - 1,
        )
        found = [self._row(asset, row, view) for row in rows]
        return _data(found if view.fault(Fault.REVERSED) else found[::-1])

    def _row(self, asset: str, row: Kline, view: View) -> list[str]:
        quote = row.volume * (row.high + row.low) / 2
        return [
            str(view.stamp(row.open_market_ms)),
            *(f"{one:.10g}" for one in (row.open, row.high, row.low, row.close)),
            f"{row.volume / CONTRACT.get(asset, 1):.8f}",
            f"{row.volume:.8f}",
            f"{quote:.8f}",
            "1" if view.is_closed(row) else "0",
        ]

    def _funding(self, asset: str, view: View) -> dict[str, str]:
        due_ms = view.next_funding_ms(asset)
        return {
            "instId": asset.upper() + SUFFIX,
            "instType": "SWAP",
            "method": "current_period",
            "fundingRate": f"{view.funding(asset, 1)[-1].rate:.16f}",
            "fundingTime": str(view.stamp(due_ms)),
            "nextFundingRate": "",
            "nextFundingTime": str(view.stamp(due_ms + view.funding_ms(asset))),
            "ts": str(view.stamp(view.market_ms)),
        }

    def _charged(self, asset: str, row: FundingRate, view: View) -> dict[str, str]:
        return {
            "instId": asset.upper() + SUFFIX,
            "fundingRate": f"{row.rate:.16f}",
            "realizedRate": f"{row.rate:.16f}",
            "fundingTime": str(view.stamp(row.market_ms)),
        }

    def _interest(self, asset: str, view: View) -> dict[str, str]:
        now = view.open_interest(asset)
        return {
            "instId": asset.upper() + SUFFIX,
            "oi": f"{now.base_units / CONTRACT.get(asset, 1):.4f}",
            "oiCcy": f"{now.base_units:.6f}",
            "oiUsd": f"{now.base_units * view.mark(asset):.4f}",
            "ts": str(view.stamp(now.market_ms)),
        }

    def _interest_history(self, asset: str, asked: Asked, view: View) -> Answer:
        mark = view.mark(asset)
        rows = view.interest_history(asset, count(asked.query, 100, 100))
        return _data(
            [
                [
                    str(view.stamp(row.market_ms)),
                    f"{row.base_units / CONTRACT.get(asset, 1):.4f}",
                    f"{row.base_units:.6f}",
                    f"{row.base_units * mark:.4f}",
                ]
                for row in rows[::-1]
            ]
        )

    def apply(self, text: str, path: str) -> Replies:
        if text == "ping":
            return Replies((b"pong",))
        asked = decoded(text)
        arguments = asked.get("args")
        replies, topics = [], []
        for one in arguments if isinstance(arguments, list) else []:
            channel, name = str(one.get("channel", "")), str(one.get("instId", ""))
            if channel.startswith("candle") and not path.endswith("business"):
                told = (
                    f"Subscribe failed, wrong URL or channel:{channel},instId:{name} doesn't exist."
                )
                replies.append(encoded({"event": "error", "code": "60018", "msg": told}))
                continue
            replies.append(encoded({"event": "subscribe", "arg": one, "connId": "00000000"}))
            topics.append(Topic(channel, name.removesuffix(SUFFIX).lower()))
        return Replies(tuple(replies), tuple(topics))

    def frames(self, topic: Topic, view: View, before_ms: int) -> list[bytes]:
        asset = topic.asset
        if asset not in view.assets or topic.channel != "candle5m":
            return []
        rows = view.klines(asset, "5m", limit=2)
        fresh = [row for row in rows if not before_ms or row.close_market_ms >= before_ms]
        argument = {"channel": topic.channel, "instId": asset.upper() + SUFFIX}
        return [encoded({"arg": argument, "data": [self._row(asset, row, view)]}) for row in fresh]
