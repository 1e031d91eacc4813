"""One market and what happens in it, for the server's tests."""

from cluster.sandbox.model import (
    MICRO,
    MakerLeg,
    Market,
    Order,
    OrderState,
    OrderType,
    Outcome,
    PriceTick,
    Side,
    Timeframe,
    Trade,
    TradeStatus,
)

OPEN_MS = 1_768_176_000_000
UP = str((1 << 255) + (3 << 41) + 1)
DOWN = str((1 << 255) + (3 << 41) + 2)
MARKET = Market(
    slug=f"btc-updown-5m-{OPEN_MS // 1000}",
    asset="btc",
    timeframe=Timeframe.M5,
    open_market_ms=OPEN_MS,
    close_market_ms=OPEN_MS + 300_000,
    condition_id="0x" + "c0" * 32,
    question_id="0x" + "d0" * 32,
    gamma_id="77",
    up_token_id=UP,
    down_token_id=DOWN,
    tick_micro_usd=10_000,
    accepting_orders=True,
    accepting_from_market_ms=OPEN_MS - 86_000_000,
    created_market_ms=OPEN_MS - 86_400_000,
    price_to_beat="95012.5",
)


def tick(observed_ms: int, asset: str = "btc", usd: int = 95_000) -> PriceTick:
    return PriceTick(
        asset=asset,
        observed_market_ms=observed_ms,
        spot_e18=usd * 10**18 + 123_456_789,
        twap_e18=(usd + 1) * 10**18 + 5 * 10**17,
    )


def trade_of(number: int, api_key: str, *, maker: bool = False) -> Trade:
    leg = MakerLeg(
        order_id=f"0xmaker{number}",
        api_key=api_key if maker else "",
        maker_address="0xmine" if maker else "0xhouse",
        token_id=DOWN,
        outcome=Outcome.DOWN,
        side=Side.BUY,
        price=460_000,
        shares=5 * MICRO,
    )
    return Trade(
        trade_id=f"trade-{number}",
        condition_id=MARKET.condition_id,
        taker_order_id=f"0xtaker{number}",
        taker_api_key="" if maker else api_key,
        taker_address="0xtaker",
        token_id=UP,
        outcome=Outcome.UP,
        side=Side.BUY,
        price=540_000,
        shares=5 * MICRO,
        fee_micro_usd=86_940,
        makers=(leg,),
        status=TradeStatus.CONFIRMED,
        matched_wire_ms=(1_000 + number) * 1_000,
        matched_market_ms=OPEN_MS,
        updated_wire_ms=(1_002 + number) * 1_000,
        transaction_hash="0xf00d",
    )


def resting_order(api_key: str) -> Order:
    return Order(
        order_id="0xorder",
        api_key=api_key,
        maker_address="0xmine",
        condition_id=MARKET.condition_id,
        token_id=UP,
        outcome=Outcome.UP,
        side=Side.BUY,
        order_type=OrderType.GTC,
        post_only=True,
        price=540_000,
        shares=10 * MICRO,
        filled_shares=0,
        state=OrderState.LIVE,
        placed_wire_ms=OPEN_MS,
        placed_market_ms=OPEN_MS,
    )
