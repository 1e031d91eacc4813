"""Recorded frames of the venue's market channel through the paper venue's reading."""

import gzip
import json
from typing import Any

import msgspec

from actors.venue.paper.book import PaperBook
from actors.venue.paper.frames import BookSeen, LevelSeen, TickSeen, TradeSeen, read_frames
from actors.venue.paper.records import PaperMarket
from tests.actors.market_data.recordings import fixture
from tests.actors.venue.paper_market import MARKET

EVENTS = "polymarket/clob_ws_market_events_2026-05.jsonl"
WINDOW = "clob_ws_market_book_btc-updown-5m-1776329100.jsonl.gz"


def markets_in(frame: Any) -> dict[str, PaperMarket]:
    """Follow every token that a frame names, as the Up token of a market of its own."""
    found: dict[str, PaperMarket] = {}
    for one in frame if isinstance(frame, list) else [frame]:
        changes = one.get("price_changes", [])
        for token in [one.get("asset_id"), *(change["asset_id"] for change in changes)]:
            if token:
                found[token] = msgspec.structs.replace(
                    MARKET, up_token_id=token, down_token_id=f"{token}1"
                )
    return found


def test_every_recorded_kind_of_frame_is_read() -> None:
    seen: list[object] = []
    for line in fixture(EVENTS).read_text().splitlines():
        raw = json.loads(line)["raw"]
        seen += read_frames(raw, markets_in(json.loads(raw)))
    kinds = {type(one) for one in seen}
    assert kinds == {BookSeen, LevelSeen, TradeSeen, TickSeen}
    trades = [one.trade for one in seen if isinstance(one, TradeSeen)]
    assert all(0 < trade.up_price < 1_000_000 and trade.shares > 0 for trade in trades)


def test_a_recorded_window_of_books_never_crosses() -> None:
    books: dict[str, PaperBook] = {}
    with gzip.open(fixture(WINDOW), "rt") as lines:
        for line in lines:
            frame = json.loads(line)["raw"]
            for seen in read_frames(json.dumps(frame), markets_in(frame)):
                assert isinstance(seen, BookSeen)
                book = books.setdefault(frame["asset_id"], PaperBook())
                book.replace(seen.bids, seen.asks)
                bid, ask = book.best(bid=True), book.best(bid=False)
                assert bid is None or ask is None or bid < ask
    assert books
