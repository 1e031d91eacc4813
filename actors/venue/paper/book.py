"""One market's public book in Up's terms, and what this account took of it already.

Buying Down at q is selling Up at 1 - q: both tokens show the same orders, so there is one ladder of
bids (buy Up, or sell Down) and one of asks, and no order is counted twice.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from signals.market import Outcome, Side
from signals.units import MICRO

Levels = Mapping[int, int]
"""Price in micro-USD -> micro-shares."""
EMPTY_LEVEL: Final = 0


def is_bid(outcome: Outcome, side: Side) -> bool:
    return (outcome is Outcome.UP) == (side is Side.BUY)


def in_up_terms(outcome: Outcome, price: int) -> int:
    """Convert between an outcome's own price and Up's: the same step both ways."""
    return price if outcome is Outcome.UP else MICRO - price


class Level(msgspec.Struct):
    """One price. `taken` never exceeds `shares`: what is gone from the real level is gone."""

    shares: int
    taken: int = 0
    """Micro-shares of it that fills of this account used already."""

    @property
    def free(self) -> int:
        return self.shares - self.taken


class PaperBook:
    """The last known book of one market; not `known` until a whole book has come."""

    def __init__(self) -> None:
        self.known = False
        self._sides: dict[bool, dict[int, Level]] = {True: {}, False: {}}

    def forget(self) -> None:
        """Trust it no more: frames were lost. What was taken stays taken."""
        self.known = False

    def replace(self, bids: Levels, asks: Levels) -> None:
        """Take a whole book, in Up's terms."""
        for bid, levels in ((True, bids), (False, asks)):
            for price in self._sides[bid].keys() - levels.keys():
                del self._sides[bid][price]
            for price, shares in levels.items():
                self.change(bid=bid, price=price, shares=shares)
        self.known = True

    def change(self, *, bid: bool, price: int, shares: int) -> None:
        """Set one level's size; it is fresh again only when it was gone in between."""
        side = self._sides[bid]
        if shares <= EMPTY_LEVEL:
            side.pop(price, None)
        elif price in side:
            level = side[price]
            level.shares, level.taken = shares, min(level.taken, shares)
        else:
            side[price] = Level(shares)

    def shares_at(self, *, bid: bool, price: int) -> int:
        level = self._sides[bid].get(price)
        return 0 if level is None else level.shares

    def best(self, *, bid: bool) -> int | None:
        """Return the best price that the venue shows on a side."""
        prices = self._sides[bid]
        return (max if bid else min)(prices, default=None)

    def offers(self, *, buying_up: bool, limit: int) -> Iterator[tuple[int, int]]:
        """Yield (price, shares) that a taker can still get up to its limit, best first."""
        side = self._sides[not buying_up]
        for price in sorted(side, reverse=not buying_up):
            if not reaches(price, limit, buying_up=buying_up):
                return
            if side[price].free > 0:
                yield price, side[price].free

    def take(self, *, bid: bool, price: int, shares: int) -> None:
        """Note that this account used shares of a level."""
        level = self._sides[bid][price]
        assert shares <= level.free, "took more than the book shows"
        level.taken += shares


def reaches(price: int, limit: int, *, buying_up: bool) -> bool:
    """Tell whether an offer is at a limit or better."""
    return price <= limit if buying_up else price >= limit
