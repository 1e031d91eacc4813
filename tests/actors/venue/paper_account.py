"""A paper account with its store, and the frames of its market."""

import asyncio
import json
from pathlib import Path

from actors.venue.paper.account import PaperAccount
from actors.venue.paper.store import PaperStore
from actors.venue.port import (
    VenueEvent,
)
from tests.actors.venue.paper_market import MARKET, NOW_MS

MICRO = 1_000_000
CASH = 1_000 * MICRO


def account(folder: Path, at: int = 0) -> PaperAccount:
    queue: asyncio.Queue[VenueEvent] = asyncio.Queue(100)
    made = PaperAccount(PaperStore.open(folder), queue, CASH, NOW_MS + at)
    made.follow(MARKET, NOW_MS + at)
    return made


def told(made: PaperAccount) -> list[VenueEvent]:
    found = []
    while not made._events.empty():
        found.append(made._events.get_nowait())
    return found


def book(at: int = 0, bid: str = "0.40", ask: str = "0.42", token: str = "1") -> str:
    return json.dumps(
        {
            "event_type": "book",
            "asset_id": token,
            "market": "0xc",
            "timestamp": str(NOW_MS + at),
            "hash": "x",
            "bids": [{"price": bid, "size": "100"}],
            "asks": [{"price": ask, "size": "100"}],
        }
    )


def change(at: int, price: str, size: str, side: str, best: tuple[str, str]) -> str:
    return json.dumps(
        {
            "event_type": "price_change",
            "market": "0xc",
            "timestamp": str(NOW_MS + at),
            "price_changes": [
                {
                    "asset_id": "1",
                    "price": price,
                    "size": size,
                    "side": side,
                    "hash": "x",
                    "best_bid": best[0],
                    "best_ask": best[1],
                }
            ],
        }
    )


def traded(at: int, price: str, size: str, side: str, token: str = "1") -> str:
    return json.dumps(
        {
            "event_type": "last_trade_price",
            "asset_id": token,
            "market": "0xc",
            "price": price,
            "size": size,
            "side": side,
            "fee_rate_bps": "0",
            "timestamp": str(NOW_MS + at),
            "transaction_hash": "0xt",
        }
    )
