"""A book whose prices are not on its tick is taken anew: the message about the tick was missed."""

import msgspec
import pytest

from actors.market_data.events import (
    BookChanged,
    BooksReceived,
    Event,
    LevelChange,
    TickSizeChanged,
)
from actors.market_data.jobs import stale_books
from actors.market_data.state import MarketDataState
from actors.market_data.step import step
from tests.actors.market_data.builders import T0, at, levels
from tests.actors.market_data.journeys import warm_state

NOW = at(10_000)


def followed() -> tuple[MarketDataState, str]:
    state = warm_state()
    token = next(token for token in state.books if token.startswith("up"))
    return msgspec.structs.replace(state, followed={"c": (token, token)}), token


def stale(state: MarketDataState, *events: Event) -> set[str]:
    for event in events:
        state, _ = step(state, event, NOW)
    return set(stale_books(state, NOW))


def changed(token: str, price: int, shares: int = 5_000_000) -> BookChanged:
    change = LevelChange(token_id=token, bid=True, price=price, shares=shares)
    return BookChanged(changes=(change,), stamp_wire_ms=T0 + 9_000)


def test_a_book_on_its_tick_is_not_asked_for() -> None:
    state, token = followed()
    assert stale(state, changed(token, 440_000)) == set()
    assert stale(state, changed(token, 441_000, shares=0)) == set(), "nothing was set there"


@pytest.mark.parametrize("price", [441_000, 440_100])
def test_a_level_off_the_tick_has_the_book_taken_anew(price: int) -> None:
    state, token = followed()
    assert stale(state, changed(token, price)) == {token}


def test_a_whole_book_off_the_known_tick_is_taken_anew_and_then_believed() -> None:
    state, token = followed()
    fine = levels(token, bid=441_000, stamp_ms=9_000)
    assert stale(state, BooksReceived(books=(fine,), polled=False)) == {token}
    said = msgspec.structs.replace(fine, tick_micro_usd=1_000)
    both = (BooksReceived(books=(fine,), polled=False), BooksReceived(books=(said,), polled=True))
    assert stale(state, *both) == set()


def test_a_tick_that_grows_under_what_rests_has_the_book_taken_anew() -> None:
    state, token = followed()
    finer = TickSizeChanged(token_id=token, tick_micro_usd=1_000)
    coarser = TickSizeChanged(token_id=token, tick_micro_usd=10_000)
    assert stale(state, finer, changed(token, 441_000)) == set()
    assert stale(state, finer, changed(token, 441_000), coarser) == {token}
