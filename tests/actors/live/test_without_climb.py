"""The gateway is not told of the climb's orders, and of all else as before."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import msgspec

from actors.live.climb_state import Placed, Purpose
from actors.live.climb_store import climb_orders, climbs, put_away, store_climb
from actors.live.guard import held_by
from actors.live.without_climb import without_orders
from actors.venue.answers import AccountBalance
from actors.venue.port import (
    OrderChange,
    OrderEvent,
    StreamLost,
    TradeStatus,
    Unknown,
    VenueEvent,
    VenuePort,
    VenueTrade,
)
from checkpoints.storage import LocalStorage
from signals.market import Side
from signals.units import MicroShares, MicroUsd, PriceMicroUsd
from tests.actors.live.starts import WALLET, climbed

TRADE = VenueTrade(
    fill_id="t/climb",
    order_id="climb",
    condition_id="c",
    token_id="t",
    side=Side.BUY,
    price=PriceMicroUsd(500_000),
    shares=MicroShares(1),
    maker=False,
    fee_micro_usd=MicroUsd(0),
    status=TradeStatus.CONFIRMED,
    matched_wire_ms=1,
)
OURS = msgspec.structs.replace(TRADE, fill_id="t/slot", order_id="slot")


class Scripted:
    """Answers as it is told."""

    lost = False

    async def trades(self, _after_s: int) -> tuple[VenueTrade, ...] | Unknown:
        return Unknown(reason="lost") if self.lost else (TRADE, OURS)

    async def events(self) -> AsyncIterator[VenueEvent]:
        for order_id in ("climb", "slot"):
            yield OrderEvent(
                order_id=order_id,
                condition_id="c",
                change=OrderChange.PLACEMENT,
                filled_shares=MicroShares(0),
            )
        yield StreamLost(reason="x")
        yield TRADE

    async def account(self, token_ids: list[str]) -> AccountBalance:
        shares = {token: MicroShares(5_000_000) for token in token_ids}
        return AccountBalance(cash_micro_usd=MicroUsd(9), shares=shares)

    async def server_time_ms(self) -> int:
        return 7


def placed(purpose: Purpose, token: str) -> Placed:
    return Placed(
        purpose=purpose,
        order_id=f"{purpose}/{token}",
        body=b"",
        signed_wire_ms=1,
        condition_id="c",
        token_id=token,
        price=PriceMicroUsd(500_000),
        shares=MicroShares(5_000_000),
    )


def test_shares_of_every_climb_of_the_wallet_are_beside_the_fleets(tmp_path: Path) -> None:
    """An hour ago one was made for the code of then; what it holds settles in three hours."""
    storage = LocalStorage(tmp_path)
    bought = climbed(
        orders=(placed(Purpose.FAR, "f"), placed(Purpose.BUY, "t")),
        bought_shares=MicroShares(2_000_000),
        late_shares=MicroShares(5_000_000),
    )
    put_away(storage, msgspec.structs.replace(bought, begun_wire_ms=1))
    other = msgspec.structs.replace(bought.line, wallet="0x" + "cd" * 20)
    put_away(storage, msgspec.structs.replace(bought, begun_wire_ms=2, line=other))
    store_climb(storage, msgspec.structs.replace(bought, begun_wire_ms=3))
    (tmp_path / "live" / "climbs" / "9.json").write_bytes(b"{")
    assert held_by(climbs(storage), WALLET.lower()) == {"t": 4_000_000, "f": 10_000_000}
    assert [one.order_id for one in climb_orders(storage)] == ["far/f", "buy/t"]
    assert held_by((), WALLET) == {}


def test_what_the_climb_did_is_left_out_and_nothing_else() -> None:
    venue = cast("VenuePort", Scripted())
    seen = without_orders(venue, frozenset({"climb"}))

    async def events() -> list[VenueEvent]:
        return [event async for event in seen.events()]

    assert asyncio.run(seen.trades(0)) == (OURS,)
    told = asyncio.run(events())
    assert [getattr(event, "order_id", "lost") for event in told] == ["slot", "lost"]
    assert asyncio.run(seen.server_time_ms()) == 7
    beside = without_orders(venue, frozenset({"climb"}), {"t": 2_000_000, "gone": 6_000_000})
    account = asyncio.run(beside.account(["t", "gone", "other"]))
    assert isinstance(account, AccountBalance)
    assert account.shares == {"t": 3_000_000, "gone": 0, "other": 5_000_000}
    assert account.cash_micro_usd == 9
    Scripted.lost = True
    assert isinstance(asyncio.run(seen.trades(0)), Unknown)
    assert without_orders(venue, frozenset()) is venue
