"""What the venue does to its clients beyond the plain rules, drawn for one seed and counted.

The amounts and times are the sandbox's own (cluster/sandbox); its core is too slow for a thousand
seeds, so the simulated exchange does the same by chance at its port.
"""

import random
from collections import Counter
from enum import StrEnum
from typing import Final

from cluster.sandbox.fees import shares_for
from cluster.sandbox.late_fills import LATE_MS
from cluster.sandbox.matching import SLOW_CHAIN_MS
from signals.units import MICRO

TICK: Final = 10_000


class Hard(StrEnum):
    LATE_FILL = "fill after a cancel"
    SIX_DECIMALS = "fill of six decimals"
    DOLLARS_SPENT = "market buy spent its dollars"
    UNAUTHORIZED = "401 in passing"
    POST_ONLY = "503 post-only"
    SLOW_CHAIN = "mined 10 to 50 s late"
    CANCEL_AS_UPDATE = "cancel told as update"
    ODD_ROW = "trade row unreadable this time"


CHANCE: Final = {
    Hard.LATE_FILL: 0.25,
    Hard.UNAUTHORIZED: 0.01,
    Hard.SLOW_CHAIN: 0.05,
    Hard.CANCEL_AS_UPDATE: 0.5,
    Hard.ODD_ROW: 0.02,
}


class VenueBehaviours:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.counts: Counter[str] = Counter()

    def strikes(self, what: Hard) -> bool:
        hit = self._rng.random() < CHANCE[what]
        if hit:
            self.note(what)
        return hit

    def note(self, what: Hard) -> None:
        self.counts[str(what)] += 1

    def spend(self, limit: int, shares: int) -> tuple[int, int]:
        """Return price and shares of a market buy: the dollars of its limit, at a better price."""
        price = max(TICK, limit - TICK * self._rng.choice((0, 1, 2)))
        bought = shares_for(limit * shares // MICRO, price)
        if bought > shares:
            self.note(Hard.DOLLARS_SPENT)
        return price, self.counted(bought)

    def late_shares(self, left: int) -> int:
        return self.counted(max(1, int(left * self._rng.uniform(0.2, 1.0))))

    def late_s(self) -> float:
        return self._rng.uniform(*LATE_MS) / 1_000

    def mined_s(self) -> float:
        if self.strikes(Hard.SLOW_CHAIN):
            return self._rng.uniform(*SLOW_CHAIN_MS) / 1_000
        return self._rng.uniform(0.3, 1.5)

    def counted(self, shares: int) -> int:
        if shares % TICK:
            self.note(Hard.SIX_DECIMALS)
        return shares
