"""Books as the venue sends them by REST."""

import json

import pytest

from actors.feeds.books import parse_books
from actors.feeds.http import Malformed


def wire_book(**changes: object) -> dict[str, object]:
    return {
        "asset_id": "7",
        "market": "0x" + "ab" * 32,
        "timestamp": "1767225600123",
        "bids": [{"price": "0.44", "size": "10"}, {"price": "0.45", "size": "20.5"}],
        "asks": [{"price": "0.48", "size": "3"}, {"price": "0.47", "size": "0"}],
        "tick_size": "0.01",
        **changes,
    }


def test_a_polled_book_is_exact_and_empty_levels_are_left_out() -> None:
    [found] = parse_books(json.dumps([wire_book()]).encode()).books
    assert found.bids == {440_000: 10_000_000, 450_000: 20_500_000}
    assert found.asks == {480_000: 3_000_000}
    assert (found.tick_micro_usd, found.stamp_wire_ms) == (10_000, 1_767_225_600_123)


@pytest.mark.parametrize(
    "changes",
    [
        {"bids": [{"price": "1.2", "size": "1"}]},
        {"bids": [{"price": "x", "size": "1"}]},
        {"bids": None},
        {"timestamp": "soon"},
    ],
)
def test_a_polled_book_out_of_bounds_is_odd(changes: dict[str, object]) -> None:
    found = parse_books(json.dumps([wire_book(**changes)]).encode())
    assert (found.books, len(found.odd)) == ((), 1)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"null", b"[" * 5_000])
def test_an_answer_that_is_no_list_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_books(body)
