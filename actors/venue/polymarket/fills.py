"""From the venue's trades to own fills: one for each own order that a trade touched.

The venue lists a trade once, from the side of its taker. What the taker paid is in the trade's
maker orders: one on the same token matched at its own price, one on the opposite token at one minus
its price (the venue mints or merges a pair).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, Protocol

import msgspec

from actors.venue.port import TradeStatus, VenueTrade
from signals.market import Side
from signals.units import (
    MICRO,
    MicroShares,
    MicroUsd,
    PriceMicroUsd,
    taker_fee_micro_usd,
    to_micro,
)

NOT_BROADCAST: Final = "MATCHED_NOT_BROADCASTED"
SHARES_MAX: Final = 1_000_000_000 * MICRO
"""No order of a five-minute market is a billion shares: a larger number is a mistake of the row."""
MS_PER_S: Final = 1_000


class MakerLeg(Protocol):
    """A maker order inside a trade, as both the REST and the stream model of the SDK have it."""

    @property
    def order_id(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def maker_address(self) -> str | None: ...
    @property
    def asset_id(self) -> str: ...
    @property
    def side(self) -> Literal["BUY", "SELL"]: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def matched_amount(self) -> Decimal: ...


class WireTrade(Protocol):
    """A trade, as both the REST and the stream model of the SDK have it."""

    @property
    def id(self) -> str: ...
    @property
    def condition_id(self) -> str: ...
    @property
    def asset_id(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def taker_order_id(self) -> str: ...
    @property
    def side(self) -> Literal["BUY", "SELL"]: ...
    @property
    def trader_side(self) -> Literal["TAKER", "MAKER"] | None: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def size(self) -> Decimal: ...
    @property
    def status(self) -> str: ...
    @property
    def maker_orders(self) -> Sequence[MakerLeg] | None: ...
    @property
    def matched_at(self) -> datetime | None: ...


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """How the venue names us: the API key's id in `owner`, the wallet in `maker_address`."""

    owner: str
    wallet: str

    def owns(self, leg: MakerLeg) -> bool:
        by_wallet = (leg.maker_address or "").lower() == self.wallet.lower()
        return leg.owner == self.owner or by_wallet


class FeeTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What a market charges: shares x rate x (price x (1 - price))^exponent."""

    rate: Decimal
    exponent: Decimal = Decimal(1)
    known: bool = True
    """False: the market does not say, so a fill is booked without a fee and named as odd."""


RATE_MAX: Final = 1
"""Of p (1 - p): a quarter of what changes hands at most."""
EXPONENT_MAX: Final = 10
FEE_NOT_KNOWN: Final = FeeTerms(rate=Decimal(0), known=False)


def fee_terms(rate: Decimal, exponent: Decimal) -> FeeTerms:
    """Read a schedule. Where the market gives none the SDK says 0 and 0: that is no free market."""
    if not (rate.is_finite() and exponent.is_finite()):
        return FEE_NOT_KNOWN
    if not 0 <= rate <= RATE_MAX or not 0 < exponent <= EXPONENT_MAX:
        return FEE_NOT_KNOWN
    return FeeTerms(rate=rate, exponent=exponent)


def is_taker(trade: WireTrade, account: Account) -> bool:
    if trade.trader_side is not None:
        return trade.trader_side == "TAKER"
    return trade.owner == account.owner


def own_fills(trade: WireTrade, account: Account, terms: FeeTerms) -> tuple[VenueTrade, ...]:
    """Split a trade into own fills: the taker's by price, then one for each own maker order.

    Raises `ValueError` for amounts that cannot be: whoever heard of the trade, none is believed.
    """
    check_amounts(to_micro(trade.price), to_micro(trade.size))
    fills: list[VenueTrade] = []
    if is_taker(trade, account):
        fills.extend(_taker_fills(trade, terms))
    own: dict[str, list[MakerLeg]] = {}
    for leg in trade.maker_orders or ():
        if account.owns(leg) and leg.order_id != trade.taker_order_id:
            own.setdefault(leg.order_id, []).append(leg)
    fills.extend(_maker_fill(trade, legs) for legs in own.values())
    return tuple(fills)


def check_amounts(price: int, shares: int) -> None:
    """Refuse numbers that cannot be: raises `ValueError`."""
    if not 0 < price < MICRO:
        raise ValueError(f"a price of {Decimal(price) / MICRO}")
    if not 0 < shares <= SHARES_MAX:
        raise ValueError(f"a size of {Decimal(shares) / MICRO}")


def _maker_fill(trade: WireTrade, legs: Sequence[MakerLeg]) -> VenueTrade:
    """One order rests at one price: named twice in a trade, it is one fill."""
    leg = legs[0]
    return _fill(
        trade,
        _Leg(
            fill_id=f"{trade.id}/{leg.order_id}",
            order_id=leg.order_id,
            token_id=str(leg.asset_id),
            side=Side(leg.side),
            price=PriceMicroUsd(to_micro(leg.price)),
            shares=MicroShares(sum(to_micro(part.matched_amount) for part in legs)),
        ),
        maker=True,
        fee=MicroUsd(0),
    )


def _taker_fills(trade: WireTrade, terms: FeeTerms) -> Iterator[VenueTrade]:
    """Yield one fill for each price that was paid.

    The first carries the plain id; another price adds its place, so that ids stay apart.
    """
    for place, (price, shares) in enumerate(_paid(trade)):
        suffix = f"/{place}" if place else ""
        yield _fill(
            trade,
            _Leg(
                fill_id=f"{trade.id}/{trade.taker_order_id}{suffix}",
                order_id=trade.taker_order_id,
                token_id=str(trade.asset_id),
                side=Side(trade.side),
                price=price,
                shares=shares,
                of_shares=MicroShares(to_micro(trade.size)),
            ),
            maker=False,
            fee=taker_fee_micro_usd(price, shares, terms.rate, terms.exponent),
        )


def _paid(trade: WireTrade) -> list[tuple[PriceMicroUsd, MicroShares]]:
    by_price: dict[int, int] = {}
    for leg in trade.maker_orders or ():
        price = to_micro(leg.price)
        if leg.asset_id != trade.asset_id:
            price = MICRO - price
        by_price[price] = by_price.get(price, 0) + to_micro(leg.matched_amount)
    if sum(by_price.values()) != to_micro(trade.size):
        # An incomplete list of makers: the trade's own price and size are what there is.
        by_price = {to_micro(trade.price): to_micro(trade.size)}
    return [(PriceMicroUsd(price), MicroShares(by_price[price])) for price in sorted(by_price)]


class _Leg(msgspec.Struct, frozen=True, kw_only=True):
    fill_id: str
    order_id: str
    token_id: str
    side: Side
    price: PriceMicroUsd
    shares: MicroShares
    of_shares: MicroShares = MicroShares(0)


def _fill(trade: WireTrade, leg: _Leg, *, maker: bool, fee: MicroUsd) -> VenueTrade:
    check_amounts(leg.price, leg.shares)
    matched_s = 0.0 if trade.matched_at is None else trade.matched_at.timestamp()
    status = "MATCHED" if trade.status == NOT_BROADCAST else trade.status
    return VenueTrade(
        fill_id=leg.fill_id,
        order_id=leg.order_id,
        condition_id=str(trade.condition_id),
        token_id=leg.token_id,
        side=leg.side,
        price=leg.price,
        shares=leg.shares,
        of_shares=leg.of_shares or leg.shares,
        maker=maker,
        fee_micro_usd=fee,
        status=TradeStatus(status),
        matched_wire_ms=int(matched_s * MS_PER_S),
    )
