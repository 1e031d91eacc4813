"""What trades prove to a climb."""

import asyncio
from typing import Any, cast

from msgspec.structs import replace

from actors.live.climb_proofs import Proofs
from actors.live.climb_state import NotFilled, Placed, Purpose
from actors.venue.port import TradeStatus, VenuePort, VenueTrade
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.gateway.venue_answers import CONDITION, trade
from tests.actors.live.starts import live_config

BUY = Placed(
    purpose=Purpose.BUY,
    order_id="0xbuy",
    body=b"",
    signed_wire_ms=1,
    condition_id=CONDITION,
    token_id="up",
    price=PriceMicroUsd(500_000),
    shares=MicroShares(4_000_000),
)


class FailedOnTheChain:
    """A venue at which the purchase was matched, and its settlement failed for good."""

    async def trades(self, after_s: int) -> tuple[VenueTrade, ...]:  # noqa: ARG002 port
        return (replace(trade("0xbuy"), status=TradeStatus.FAILED),)


def test_a_purchase_that_failed_on_the_chain_is_made_again_and_does_not_stop_each_later_start() -> (
    None
):
    venue = cast("VenuePort", cast("Any", FailedOnTheChain()))
    found = asyncio.run(Proofs(venue, live_config()).prove_filled(BUY))
    assert isinstance(found, NotFilled)
