"""The house at work: makers put their quotes on the books, takers come at a seeded rate."""

import math
import random
from typing import Final

from msgspec.structs import replace

from cluster.sandbox.book import HOUSE, Book, Resting
from cluster.sandbox.events import TickSizeChanged
from cluster.sandbox.fair import fair_up
from cluster.sandbox.floor import Floor
from cluster.sandbox.makers import LAG_MS, makers_view, quotes
from cluster.sandbox.markets import FINE_TICK, LiveMarket, wants_fine_tick
from cluster.sandbox.matching import HOUSE_ADDRESS, Matching, Taker
from cluster.sandbox.model import MICRO, Level, Now, Outcome, Side

REQUOTE_WIRE_MS: Final = 500
"""Makers move at most twice per wire second and market."""
TAKER_EVERY_MS: Final = 8_000
"""Mean market ms between house takers, per side."""
TAKER_MEDIAN_SHARES: Final = 80
SWEEP_SHARE: Final = 0.06
"""Of takers that go through several levels."""
SWEEP_LEVELS: Final = 3
KEEP_FROM: Final = 0.5
KEEP_UNTIL: Final = 1.5
"""A level whose size is between these shares of the wanted one stays as it is."""
SIZE_STEP: Final = 10_000


class House:
    def __init__(self, floor: Floor, matching: Matching) -> None:
        self._floor = floor
        self._matching = matching
        self._made = 0

    def work(self, now: Now) -> None:
        """Let takers come and makers requote where it is time."""
        for live in self._floor.live.values():
            if not live.market.accepting_orders:
                continue
            last = live.requoted_wire_ms
            if last is None or now.wire_ms - last >= REQUOTE_WIRE_MS:
                self._visit(live, now)
                live.requoted_wire_ms = now.wire_ms
                live.requoted_market_ms = now.market_ms
                self._floor.publish_book(live, now)

    # ---- inside

    def _visit(self, live: LiveMarket, now: Now) -> None:
        seed = self._floor.config.seed
        dice = random.Random(f"{seed}/{live.market.slug}/{now.market_ms}")  # noqa: S311 - a simulation's dice
        elapsed_ms = now.market_ms - live.requoted_market_ms
        for side in Side:
            if dice.random() < 1 - math.exp(-elapsed_ms / TAKER_EVERY_MS):
                self._take(live, side, dice, now)
        fair = fair_up(self._floor.prices, live.market, now.market_ms - LAG_MS)
        view = makers_view(seed, live.market, fair, now.market_ms)
        if wants_fine_tick(live.market, int(view * MICRO)):
            self._refine_tick(live, now)
        wanted = quotes(seed, live.market, view, now.market_ms)
        self._withdraw(live.book, wanted.bids, bid=True)
        self._withdraw(live.book, wanted.asks, bid=False)
        for level in wanted.bids:
            self._quote(live, level, Side.BUY, now)
        for level in wanted.asks:
            self._quote(live, level, Side.SELL, now)

    def _take(self, live: LiveMarket, side: Side, dice: random.Random, now: Now) -> None:
        prices = live.book.prices(bid=side is Side.SELL)
        if not prices:
            return
        sweeping = dice.random() < SWEEP_SHARE
        depth = min(SWEEP_LEVELS if sweeping else 1, len(prices))
        size = TAKER_MEDIAN_SHARES * math.exp(dice.gauss(0, 0.9)) * (8 if sweeping else 1)
        shares = max(SIZE_STEP, int(size * MICRO) // SIZE_STEP * SIZE_STEP)
        self._hit(live, side, prices[depth - 1], shares, now)

    def _hit(self, live: LiveMarket, side: Side, up_limit: int, shares: int, now: Now) -> int:
        """Take up to `shares` of Up at the limit; return what is left over."""
        hits = live.book.hits(buying_up=side is Side.BUY, up_limit=up_limit, shares=shares)
        if not hits:
            return shares
        taken = sum(hit.shares for hit in hits)
        taker = Taker(
            order_id=self._name(live),
            api_key=HOUSE,
            address=HOUSE_ADDRESS,
            outcome=Outcome.UP,
            side=side,
        )
        self._matching.execute(live, taker, hits, now)
        return shares - taken

    def _refine_tick(self, live: LiveMarket, now: Now) -> None:
        old = live.market.tick_micro_usd
        live.market = replace(live.market, tick_micro_usd=FINE_TICK)
        self._floor.emit(
            TickSizeChanged(
                market=live.market,
                old_tick_micro_usd=old,
                new_tick_micro_usd=FINE_TICK,
                wire_ms=now.wire_ms,
                market_ms=now.market_ms,
            )
        )

    def _withdraw(self, book: Book, wanted: tuple[Level, ...], *, bid: bool) -> None:
        """Cancel the house's orders at prices it no longer wants."""
        keep = {level.price for level in wanted}
        for price in book.prices(bid=bid):
            if price not in keep:
                for resting in book.queue(bid=bid, up_price=price):
                    if resting.api_key == HOUSE:
                        book.lower(resting, resting.shares)

    def _quote(self, live: LiveMarket, level: Level, side: Side, now: Now) -> None:
        """Bring the house's size at a price near the wanted one; what crosses trades."""
        bid = side is Side.BUY
        mine = [r for r in live.book.queue(bid=bid, up_price=level.price) if r.api_key == HOUSE]
        have = sum(resting.shares for resting in mine)
        if KEEP_FROM * level.shares <= have <= KEEP_UNTIL * level.shares:
            return
        if have > level.shares:
            _trim(live.book, mine, have - level.shares)
            return
        left = self._hit(live, side, level.price, level.shares - have, now)
        if left:
            live.book.add(
                Resting(
                    order_id=self._name(live),
                    api_key=HOUSE,
                    outcome=Outcome.UP,
                    side=side,
                    up_price=level.price,
                    shares=left,
                )
            )

    def _name(self, live: LiveMarket) -> str:
        self._made += 1
        return f"house-{live.market.gamma_id}-{self._floor.ledger.sequence}-{self._made}"


def _trim(book: Book, mine: list[Resting], excess: int) -> None:
    """Take size away from the youngest first: the oldest keep their place."""
    for resting in reversed(mine):
        cut = min(excess, resting.shares)
        book.lower(resting, cut)
        excess -= cut
        if not excess:
            return
