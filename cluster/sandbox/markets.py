"""Markets: which exist, what they are called, when they open, close and tell their prices."""

import hashlib
import random
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final

from cluster.sandbox.book import Book
from cluster.sandbox.model import ASSETS, MICRO, SECOND_MS, TIMEFRAMES, Market, Side, Timeframe
from cluster.sandbox.numbers import whole_number
from cluster.sandbox.prices.shapes import WEEK_MS

COARSE_TICK: Final = 10_000
FINE_TICK: Final = 1_000
EXTREME: Final = 40_000
"""The tick becomes fine when the mid is within 0.04 of a certainty."""
LEAD_MS: Final = 60_000
"""Market ms before its open at which a market has a book and takes orders."""
LISTED_AHEAD_MS: Final = 86_400_000
"""A market's row appears about a day before its open."""
TELL_FROM_S: Final = 5
TELL_UNTIL_S: Final = 30
"""The price to beat appears this many market seconds after the open."""
RESOLVE_FROM_S: Final = 8
RESOLVE_UNTIL_S: Final = 18
"""A market resolves this many market seconds after its close (recorded ones: 5 to 18)."""
HISTORY_MAX: Final = 2_000
"""Trades of one market that its price history remembers."""
KNOWN_BACK_MS: Final = 500 * WEEK_MS
"""Older windows are not known: prices are made for 600 weeks before the start, see `walk`."""
OPEN_S_MAX: Final = 4 * 10**9
"""The year 2096: beyond it no market is listed."""
KNOWN_MAX: Final = 20_000
"""Markets remembered by id although nobody traded them; older ones are found by slug again."""


class LiveMarket:
    """A market with a book, from shortly before its open until it is settled and paid."""

    def __init__(self, market: Market, seed: int) -> None:
        self.market = market
        self.book = Book()
        self.last_trade_price: int | None = None
        """Micro-USD per Up share."""
        self.last_trade_side: Side | None = None
        """Of the taker, in Up's terms."""
        self.history: deque[tuple[int, int]] = deque(maxlen=HISTORY_MAX)
        """(market ms, Up price) of its trades."""
        self.best: tuple[int | None, int | None] = (None, None)
        """Best (bid, ask) last told, Up's terms."""
        self.requoted_wire_ms: int | None = None
        self.requoted_market_ms = market.accepting_from_market_ms
        self.resolved = False
        self.announce_market_ms = announce_market_ms(seed, market)
        self.resolve_market_ms = resolve_market_ms(seed, market)

    def takes_orders(self, market_ms: int) -> bool:
        """Say whether orders are taken: the close counts at once, not when it is noticed."""
        return self.market.accepting_orders and market_ms < self.market.close_market_ms


class Registry:
    """Names markets as a pure function of (seed, asset, timeframe, open) and remembers ids."""

    def __init__(
        self,
        seed: int,
        assets: Sequence[str] = ASSETS,
        timeframes: Sequence[Timeframe] = TIMEFRAMES,
    ) -> None:
        self._seed = seed
        self._assets = assets
        self._timeframes = timeframes
        self._by_condition: OrderedDict[str, Market] = OrderedDict()
        self._condition_of_token: dict[str, str] = {}

    def parse(self, slug: str, market_ms: int) -> Market | None:
        """Return the market of a slug such as ``btc-updown-5m-1767225600``, if it is listed yet."""
        asset, _, rest = slug.partition("-updown-")
        frame, _, opened = rest.partition("-")
        opened_s = whole_number(opened, OPEN_S_MAX)
        if asset not in self._assets or frame not in self._timeframes or opened_s is None:
            return None
        timeframe, open_ms = Timeframe(frame), opened_s * SECOND_MS
        written_so = opened == str(opened_s) and open_ms % timeframe.length_ms == 0
        if not written_so or not -LISTED_AHEAD_MS <= market_ms - open_ms <= KNOWN_BACK_MS:
            return None
        return self.make(asset, timeframe, open_ms)

    def make(self, asset: str, timeframe: Timeframe, open_ms: int) -> Market:
        """Return the market as it is before anything happened to it, and remember its ids."""
        slug = f"{asset}-updown-{timeframe}-{open_ms // SECOND_MS}"
        condition_id = "0x" + self._hash(slug, "condition").hex()
        known = self._by_condition.get(condition_id)
        if known is not None:
            return known
        market = Market(
            slug=slug,
            asset=asset,
            timeframe=timeframe,
            open_market_ms=open_ms,
            close_market_ms=open_ms + timeframe.length_ms,
            condition_id=condition_id,
            question_id="0x" + self._hash(slug, "question").hex(),
            gamma_id=str(int.from_bytes(self._hash(slug, "gamma")[:4], "big")),
            up_token_id=str(int.from_bytes(self._hash(slug, "Up"), "big")),
            down_token_id=str(int.from_bytes(self._hash(slug, "Down"), "big")),
            tick_micro_usd=COARSE_TICK,
            accepting_orders=False,
            accepting_from_market_ms=open_ms - LEAD_MS,
            created_market_ms=open_ms - LISTED_AHEAD_MS,
        )
        self.remember(market)
        return market

    def remember(self, market: Market) -> None:
        self._by_condition[market.condition_id] = market
        self._condition_of_token[market.up_token_id] = market.condition_id
        self._condition_of_token[market.down_token_id] = market.condition_id
        if len(self._by_condition) > KNOWN_MAX:
            _, oldest = self._by_condition.popitem(last=False)
            del self._condition_of_token[oldest.up_token_id]
            del self._condition_of_token[oldest.down_token_id]

    def by_condition(self, condition_id: str) -> Market | None:
        return self._by_condition.get(condition_id)

    def condition_of(self, token_id: str) -> str | None:
        return self._condition_of_token.get(token_id)

    def _hash(self, slug: str, what: str) -> bytes:
        return hashlib.sha256(f"{self._seed}/{slug}/{what}".encode()).digest()


def announce_market_ms(seed: int, market: Market) -> int:
    """Return when the price to beat appears."""
    dice = random.Random(f"{seed}/{market.slug}/tell")  # noqa: S311 - a simulation's dice
    return market.open_market_ms + dice.randint(TELL_FROM_S, TELL_UNTIL_S) * SECOND_MS


def resolve_market_ms(seed: int, market: Market) -> int:
    """Return when the market resolves."""
    dice = random.Random(f"{seed}/{market.slug}/resolve")  # noqa: S311 - a simulation's dice
    return market.close_market_ms + dice.randint(RESOLVE_FROM_S, RESOLVE_UNTIL_S) * SECOND_MS


def due_windows(
    market_ms: int, assets: Sequence[str], timeframes: Sequence[Timeframe]
) -> list[tuple[str, Timeframe, int]]:
    """Return (asset, timeframe, open) of all markets that take orders now."""
    return [
        (asset, timeframe, open_ms)
        for timeframe in timeframes
        for open_ms in _opens(timeframe, market_ms)
        for asset in assets
    ]


def wants_fine_tick(market: Market, mid: int) -> bool:
    return market.tick_micro_usd == COARSE_TICK and not EXTREME < mid < MICRO - EXTREME


def _opens(timeframe: Timeframe, market_ms: int) -> list[int]:
    running = market_ms - market_ms % timeframe.length_ms
    following = running + timeframe.length_ms
    return [running, following] if market_ms >= following - LEAD_MS else [running]
