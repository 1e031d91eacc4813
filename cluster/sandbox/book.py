"""One price-time book per market, seen from either token.

Buying Down at q is selling Up at 1 - q (a share of each is minted, or two are merged), so both
tokens share one book kept in Up's terms: bids buy Up or sell Down, asks sell Up or buy Down.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Final

import msgspec

from cluster.sandbox.fees import notional_micro_usd, shares_for
from cluster.sandbox.model import MICRO, Level, Outcome, Side

SPENT_DUST: Final = 2
"""Micro-USD that rounding may leave of a budget: nothing can be bought for them."""
HOUSE: Final = ""
"""The account of the sandbox's own makers and takers."""


class Resting(msgspec.Struct, kw_only=True, eq=False):
    """An order on the book. Only the book changes `shares`."""

    order_id: str
    api_key: str
    outcome: Outcome
    side: Side
    up_price: int
    """Micro-USD per Up share."""
    shares: int

    @property
    def is_bid(self) -> bool:
        return is_bid(self.outcome, self.side)

    @property
    def own_price(self) -> int:
        return flip(self.outcome, self.up_price)


class Hit(msgspec.Struct, frozen=True):
    """Shares that a taker would get from one resting order."""

    resting: Resting
    shares: int


def is_bid(outcome: Outcome, side: Side) -> bool:
    return (outcome is Outcome.UP) == (side is Side.BUY)


def flip(outcome: Outcome, price: int) -> int:
    """Convert between an outcome's own price and Up's: the same step both ways."""
    return price if outcome is Outcome.UP else MICRO - price


class _Ladder:
    """One side: queues by rank, best rank first. Rank is -price for bids, price for asks."""

    def __init__(self) -> None:
        self.ranks: list[int] = []
        self.queues: dict[int, list[Resting]] = {}
        self.totals: dict[int, int] = {}

    def add(self, rank: int, resting: Resting) -> None:
        if rank not in self.queues:
            insort(self.ranks, rank)
            self.queues[rank] = []
            self.totals[rank] = 0
        self.queues[rank].append(resting)
        self.totals[rank] += resting.shares

    def lower(self, rank: int, resting: Resting, shares: int) -> None:
        resting.shares -= shares
        self.totals[rank] -= shares
        assert resting.shares >= 0, "took more than rests"
        if resting.shares == 0:
            self.queues[rank].remove(resting)
            if not self.queues[rank]:
                del self.queues[rank], self.totals[rank]
                del self.ranks[bisect_left(self.ranks, rank)]


class Book:
    def __init__(self) -> None:
        self._bids = _Ladder()
        self._asks = _Ladder()
        self._by_id: dict[str, Resting] = {}
        self._touched: set[tuple[bool, int]] = set()

    # ---- changes

    def add(self, resting: Resting) -> int:
        """Queue an order; return the shares ahead of it at its price."""
        assert resting.shares > 0, "an empty order cannot rest"
        assert resting.order_id not in self._by_id, "the order rests already"
        ladder, rank = self._place(resting)
        ahead = ladder.totals.get(rank, 0)
        ladder.add(rank, resting)
        self._by_id[resting.order_id] = resting
        self._touch(resting)
        return ahead

    def lower(self, resting: Resting, shares: int) -> None:
        """Take shares away, by a fill or by a maker's own reduction; its place stays."""
        ladder, rank = self._place(resting)
        ladder.lower(rank, resting, shares)
        if resting.shares == 0:
            del self._by_id[resting.order_id]
        self._touch(resting)

    def remove(self, order_id: str) -> Resting | None:
        """Take an order off the book; return it as it was, or None if it does not rest."""
        resting = self._by_id.get(order_id)
        if resting is None:
            return None
        copy = msgspec.structs.replace(resting)
        self.lower(resting, resting.shares)
        return copy

    # ---- questions

    def hits(self, *, buying_up: bool, up_limit: int, shares: int) -> list[Hit]:
        """Return what a taker would get, best price first, then oldest first."""
        ladder = self._asks if buying_up else self._bids
        rank_limit = up_limit if buying_up else -up_limit
        found: list[Hit] = []
        for rank in ladder.ranks:
            if rank > rank_limit or shares <= 0:
                break
            for resting in ladder.queues[rank]:
                size = min(shares, resting.shares)
                found.append(Hit(resting, size))
                shares -= size
                if shares <= 0:
                    break
        return found

    def hits_for(self, outcome: Outcome, up_limit: int, budget_micro_usd: int) -> list[Hit]:
        """Return what dollars would buy of a token, best price first, then oldest first."""
        buying_up = outcome is Outcome.UP
        found: list[Hit] = []
        for up_price in self.prices(bid=not buying_up):
            if budget_micro_usd <= SPENT_DUST or not (
                up_price <= up_limit if buying_up else up_price >= up_limit
            ):
                break
            price = flip(outcome, up_price)
            here = self.hits(
                buying_up=buying_up,
                up_limit=up_price,
                shares=sum(hit.shares for hit in found) + shares_for(budget_micro_usd, price),
            )[len(found) :]
            found += here
            bought = sum(hit.shares for hit in here)
            budget_micro_usd -= notional_micro_usd(outcome, price, bought)
        return found

    def best(self, *, bid: bool) -> int | None:
        """Return the best Up price of a side."""
        ladder = self._bids if bid else self._asks
        return abs(ladder.ranks[0]) if ladder.ranks else None

    def ahead(self, order_id: str) -> int | None:
        """Return the shares with priority over a resting order at its own price."""
        resting = self._by_id.get(order_id)
        if resting is None:
            return None
        ladder, rank = self._place(resting)
        total = 0
        for other in ladder.queues[rank]:
            if other is resting:
                break
            total += other.shares
        return total

    def resting(self) -> Iterable[Resting]:
        return tuple(self._by_id.values())

    def total(self, *, bid: bool, up_price: int) -> int:
        ladder, rank = (self._bids, -up_price) if bid else (self._asks, up_price)
        return ladder.totals.get(rank, 0)

    def queue(self, *, bid: bool, up_price: int) -> tuple[Resting, ...]:
        ladder, rank = (self._bids, -up_price) if bid else (self._asks, up_price)
        return tuple(ladder.queues.get(rank, ()))

    def prices(self, *, bid: bool) -> tuple[int, ...]:
        """Return the Up prices of a side, best first."""
        return tuple(abs(rank) for rank in (self._bids if bid else self._asks).ranks)

    def levels(self, outcome: Outcome) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Return (bids, asks) of one token in its own prices, best first."""
        bids = self._levels(self._bids, outcome)
        asks = self._levels(self._asks, outcome)
        return (bids, asks) if outcome is Outcome.UP else (asks, bids)

    def take_touched(self) -> list[tuple[bool, int]]:
        """Return and forget the (is bid, Up price) levels changed since the last call."""
        touched = sorted(self._touched)
        self._touched.clear()
        return touched

    # ---- inside

    def _place(self, resting: Resting) -> tuple[_Ladder, int]:
        if resting.is_bid:
            return self._bids, -resting.up_price
        return self._asks, resting.up_price

    def _touch(self, resting: Resting) -> None:
        self._touched.add((resting.is_bid, resting.up_price))

    @staticmethod
    def _levels(ladder: _Ladder, outcome: Outcome) -> tuple[Level, ...]:
        return tuple(Level(flip(outcome, abs(r)), ladder.totals[r]) for r in ladder.ranks)
