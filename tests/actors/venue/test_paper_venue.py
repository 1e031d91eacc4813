"""What the venue changes while paper orders are open: its tick, and whether it takes orders."""

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from actors.runtime import load_config
from actors.venue.paper import public_venue
from actors.venue.paper.public_venue import follow_state
from actors.venue.paper.records import PaperMarket
from actors.venue.paper.rules import VenueState
from actors.venue.paper.venue import PaperVenue
from actors.venue.port import (
    SignedOrder,
    Unknown,
    Unsignable,
    UnsignedOrder,
)
from signals.decision import Style
from signals.market import Side
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.gateway.shells import configure
from tests.actors.venue.paper_account import MICRO, account
from tests.actors.venue.paper_market import MARKET, NOW_MS


class _Public:
    """Answers of the venue to a look, one after the other."""

    def __init__(self, *answers: VenueState | Unknown) -> None:
        self._answers = list(answers)

    async def state(self) -> VenueState | Unknown:
        if not self._answers:
            raise asyncio.CancelledError
        return self._answers.pop(0)


def test_a_tick_that_changes_while_the_market_is_open_is_the_one_that_orders_are_held_to(
    tmp_path: Path,
) -> None:
    made = account(tmp_path)
    frame = {
        "event_type": "tick_size_change",
        "market": "0xc",
        "asset_id": "1",
        "old_tick_size": "0.01",
        "new_tick_size": "0.001",
        "timestamp": str(NOW_MS),
    }
    assert made.frame(json.dumps(frame), NOW_MS)
    assert made.terms(MARKET).tick_micro_usd == 1_000


@pytest.mark.parametrize("seen_by", ["the stream", "nobody"])
def test_an_order_on_the_fine_tick_is_signed_once_the_tick_is_fine(
    tmp_path: Path, seen_by: str
) -> None:
    """The stream tells a new tick; one that it told while it was lost is read anew."""

    async def work() -> None:
        configure(tmp_path)
        venue = PaperVenue(load_config(str(tmp_path)), 1.0)
        fine = msgspec.structs.replace(MARKET, tick_micro_usd=1_000)
        venue._terms["0xc"] = MARKET
        venue._account = account(tmp_path / "paper")
        if seen_by == "the stream":
            venue._account.follow(fine, NOW_MS)
        venue._public = Terms(fine if seen_by == "nobody" else Unknown(reason="no answer"))
        wanted = UnsignedOrder(
            condition_id="0xc",
            token_id="1",
            side=Side.BUY,
            style=Style.REST,
            price=PriceMicroUsd(388_000),
            shares=MicroShares(10 * MICRO),
        )
        assert isinstance(await venue.sign(wanted), SignedOrder)
        odd = msgspec.structs.replace(wanted, price=PriceMicroUsd(388_500))
        assert isinstance(await venue.sign(odd), Unsignable)
        assert venue._account.terms(MARKET).tick_micro_usd == 1_000

    asyncio.run(work())


class Terms:
    """The venue's public side: open, and with these terms of a market."""

    def __init__(self, terms: PaperMarket | Unknown) -> None:
        self._terms = terms

    async def terms(self, _condition_id: str) -> PaperMarket | Unknown:
        return self._terms

    async def state(self) -> VenueState:
        return VenueState.OPEN


def test_a_restart_of_the_venue_is_followed_by_a_post_only_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(public_venue, "STATE_S", 0.0)
    seen: list[VenueState] = []
    public = _Public(
        VenueState.OPEN,
        VenueState.RESTARTING,
        Unknown(reason="no answer"),
        VenueState.OPEN,
        VenueState.CANCEL_ONLY,
    )
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(follow_state(public, seen.append))
    assert seen == [
        VenueState.OPEN,
        VenueState.RESTARTING,
        VenueState.POST_ONLY,
        VenueState.CANCEL_ONLY,
    ]
