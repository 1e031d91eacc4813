"""The four wallet types through the SDK at the real sandbox: who may trade from which."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from actors.venue.account_report import WalletType
from actors.venue.polymarket.opening import Absent, connect
from actors.venue.polymarket.orders import decode_body
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import Accepted, Cancelled, Rejected, SignedOrder
from signals.decision import Style
from tests.actors.sandbox import Sandbox, sandbox
from tests.actors.venue.test_examining import wallets
from tests.actors.venue.trading import TIMEOUT_S, current_market, signed

pytestmark = pytest.mark.exchange

SIGNATURE_TYPES = {
    WalletType.BARE_KEY: 0,
    WalletType.PROXY: 1,
    WalletType.SAFE: 2,
    WalletType.DEPOSIT: 3,
}


@pytest.fixture(scope="module", params=["new account", "account from before May 2026"])
def exchange(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Sandbox, bool]]:
    older = request.param != "new account"
    options = ("--older-wallets",) if older else ()
    with sandbox(tmp_path_factory.mktemp("wallets"), *options) as served:
        print(f"\n{request.param}")
        yield served, older


def test_each_wallet_type_trades_where_the_venue_lets_it(exchange: tuple[Sandbox, bool]) -> None:
    served, older = exchange

    async def use() -> None:
        of_key: dict[WalletType, str | None] = {**wallets(served.venue()), WalletType.DEPOSIT: None}
        for kind, wallet in of_key.items():
            venue = await connect(
                msgspec.structs.replace(served.venue(), wallet=wallet), TIMEOUT_S, Absent.MAKE
            )
            assert isinstance(venue, PolymarketVenue), venue
            try:
                await _trade(served, venue, kind, older=older)
            finally:
                await venue.close()

    asyncio.run(use())


async def _trade(served: Sandbox, venue: PolymarketVenue, kind: WalletType, *, older: bool) -> None:
    order: SignedOrder = await signed(venue, await current_market(served), Style.REST, 10_000)
    body = decode_body(order.body)
    assert body.signature_type == SIGNATURE_TYPES[kind]
    outcome = await venue.post(order)
    print(f"  type {body.signature_type} {kind:<16} {type(outcome).__name__} {outcome}"[:110])
    if kind is WalletType.DEPOSIT or older:
        assert isinstance(outcome, Accepted), outcome
        assert isinstance(await venue.cancel([order.order_id]), Cancelled)
        assert await venue.open_orders() == ()
    else:
        assert isinstance(outcome, Rejected)
        assert outcome.code == "wallet_not_allowed"
