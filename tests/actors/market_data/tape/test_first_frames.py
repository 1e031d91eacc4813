"""The first frames of each kind are kept, without anything that names a person."""

import json
import os
from pathlib import Path

import pytest

from actors.market_data.tape.first_frames import FirstFrames, stripped
from tests.recorded import absent


def test_a_few_frames_of_each_kind_are_kept(tmp_path: Path) -> None:
    first = FirstFrames(tmp_path)
    for number in range(50):
        first.offer("books", json.dumps({"market": str(number), "event_type": "book"}).encode())
        first.offer("books", json.dumps([{"event_type": "price_change"}]).encode())
        first.offer("prices", json.dumps({"channel": "price.crypto.twap"}).encode())
    first.offer("books", b'{"market":"51","event_type":"tick_size_change"}')
    first.offer("books", b"<html>")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "books-book-1.json",
        "books-book-2.json",
        "books-book-3.json",
        "books-price_change-1.json",
        "books-price_change-2.json",
        "books-price_change-3.json",
        "books-str-1.json",
        "books-tick_size_change-1.json",
        *(f"prices-price.crypto.twap-{n}.json" for n in (1, 2, 3)),
    ]


def test_another_life_keeps_the_first_ones(tmp_path: Path) -> None:
    FirstFrames(tmp_path).offer("books", b'{"event_type":"book","asset_id":"1"}')
    FirstFrames(tmp_path).offer("books", b'{"event_type":"book","asset_id":"2"}')
    assert b'"1"' in (tmp_path / "books-book-1.json").read_bytes()


ADDRESS = "0x" + "ab" * 20
UUID = "1f0e2d3c-4b5a-4697-8899-aabbccddeeff"


def test_nothing_that_names_a_person_or_an_account_is_kept() -> None:
    body = {
        "event_type": "trade",
        "market": "0x" + "cd" * 32,
        "asset_id": "71321045679252212594626385532706912750332728571942532289631379312455583992563",
        "owner": UUID,
        "maker_orders": [{"maker_address": ADDRESS, "order_id": "0x" + "12" * 32, "price": "0.5"}],
        "users": [ADDRESS, ADDRESS],
        "auth": {"apiKey": UUID, "secret": "c2VjcmV0", "passphrase": "abc"},
        "note": f"sent by {ADDRESS} of {UUID}, a@b.example, from 192.0.2.1",
        "id": 12345,
        "size": "10",
        "live": True,
        "extra": None,
    }
    kept = stripped(body)
    text = json.dumps(kept)
    for private in (
        ADDRESS,
        UUID,
        "c2VjcmV0",
        "abc",
        "a@b.example",
        "192.0.2.1",
        "12345",
        "12" * 32,
    ):
        assert f'"{private}"' not in text
        assert private not in text or private in ("abc", "12345")
    assert kept["market"] == body["market"]
    assert kept["asset_id"] == body["asset_id"]
    assert kept["maker_orders"][0]["price"] == "0.5"
    assert (kept["size"], kept["live"], kept["extra"]) == ("10", True, None)


@pytest.mark.data
def test_recorded_frames_of_the_user_stream_are_stripped() -> None:
    folder = Path(os.environ.get("MIDSTRIDE_DATA", "../shared/data")) / "fixtures" / "polymarket"
    file = folder / "SHAPES_user_stream_and_orders.jsonl"
    if not file.exists():
        absent(f"no recorded data at {file}")
    for line in file.read_text().splitlines():
        value = json.loads(json.loads(line)["raw"])
        text = json.dumps(stripped(value))
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            for name in ("owner", "maker_address", "transaction_hash", "orderID", "id"):
                private = row.get(name) if isinstance(row, dict) else None
                assert not private or f'"{private}"' not in text, name
