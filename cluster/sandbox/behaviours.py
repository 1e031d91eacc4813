"""What the venue does to its clients beyond the plain rules: each can be switched off by name.

All are on by default, because the venue does all of them. `Behaviours.strikes` decides the ones
that befall a share of the events: a pure function of (seed, behaviour, the event's name), so that
a run repeats and a restart of the sandbox changes nothing. Every strike is counted, so that a test
can prove that it happened.
"""

import zlib
from collections import Counter
from enum import StrEnum
from typing import Final


class Behaviour(StrEnum):
    # ---- accounts
    ACCOUNT_GATE = "account_gate"
    """New accounts trade only from the deposit wallet that is derived from their key."""
    UNAUTHORIZED_IN_PASSING = "unauthorized_in_passing"
    """A right request is answered 401 now and then."""
    ORDER_STAMPS = "order_stamps"
    """An order stamped too long ago, or ahead of the clock, is refused."""
    # ---- orders
    MARKET_BUYS_SPEND_USD = "market_buys_spend_usd"
    """A fill-or-kill or fill-and-kill buy spends its dollars: more shares at a better price."""
    EXACT_MARKET_PRICE = "exact_market_price"
    """The implied price of a fill-or-kill or fill-and-kill order is not rounded to the tick."""
    MARKETABLE_MINIMUM = "marketable_minimum"
    """A resting-type buy that crosses the book needs one dollar, like any marketable one."""
    MATCHED_AT_ONCE = "matched_at_once"
    """Some takers match in the answer instead of waiting out the delay."""
    LATE_FILLS = "late_fills"
    """A cancelled order may still be filled for a moment: the match was under way."""
    # ---- what is told
    CANCELED_AS_UPDATE = "canceled_as_update"
    """Some cancels arrive on the user socket as an UPDATE whose status is CANCELED."""
    BARE_KILL_FRAMES = "bare_kill_frames"
    """A killed order's frame has empty fields and a sentence as its status."""
    BOOK_AT_EACH_TRADE = "book_at_each_trade"
    """The market socket repeats the book after each trade, without its tick size."""
    REFUSED_LEGS_SUCCEED = "refused_legs_succeed"
    """A refused order of a batch says success true, with an error and without an id."""
    SOCKET_DISCIPLINE = "socket_discipline"
    """A frame before the subscription, and silence for long, close a socket."""
    # ---- the chain
    SLOW_CHAIN = "slow_chain"
    """Some trades are mined only after 10 to 50 seconds."""


ALL: Final = frozenset(Behaviour)
PERMILLE: Final = {
    Behaviour.UNAUTHORIZED_IN_PASSING: 2,
    Behaviour.MATCHED_AT_ONCE: 500,
    Behaviour.LATE_FILLS: 150,
    Behaviour.CANCELED_AS_UPDATE: 500,
    Behaviour.SLOW_CHAIN: 50,
}
"""Of the events that a behaviour may befall, how many in a thousand it does; the others: all. The
venue publishes no rates: these are high enough to be met in a short run, and low enough that a
fleet which answers them rightly keeps trading."""


class Behaviours:
    """The behaviours in force, and how often each has struck."""

    def __init__(self, seed: int, enabled: frozenset[Behaviour] = ALL) -> None:
        self.enabled = enabled
        self.struck: Counter[Behaviour] = Counter()
        self._seed = seed

    def on(self, behaviour: Behaviour) -> bool:
        return behaviour in self.enabled

    def note(self, behaviour: Behaviour) -> None:
        """Count a strike of a behaviour that does not go by chance."""
        self.struck[behaviour] += 1

    def strikes(self, behaviour: Behaviour, event: str) -> bool:
        """Say whether this behaviour befalls this event, and count it."""
        if behaviour not in self.enabled:
            return False
        if self.draw(behaviour, event, 1_000) >= PERMILLE.get(behaviour, 1_000):
            return False
        self.struck[behaviour] += 1
        return True

    def draw(self, behaviour: Behaviour, event: str, below: int) -> int:
        """Return a number in 0 .. below - 1 that belongs to this event."""
        value = zlib.crc32(f"{self._seed}/{behaviour}/{event}".encode())
        value = (value ^ value >> 16) * 0x85EBCA6B & 0xFFFFFFFF
        value = (value ^ value >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
        return (value ^ value >> 16) % below
