"""What an event costs the gateway as it grows: `python -m tests.bench.gateway_growth`.

The pure step of the real gateway, driven through whole windows: each slot sends orders, they are
signed, posted and filled in two parts, the fills confirm, the market resolves, and the clock ticks
between. All sizes are measured in one run, in turn, by the processor time of this thread, so that a
busy machine disturbs them alike. The exponent is the slope of cost over size in logarithms: 0 is
flat, 1 grows with it.
"""

import math
import time
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from actors.config import RiskLimits, Timing
from actors.gateway.events import (
    BeatDone,
    PollVenue,
    PostDone,
    ResolutionSeen,
    Sign,
    StreamUpdated,
    VenuePolled,
)
from actors.gateway.market_events import AskBook, AskMarket, BookSeen, MarketSeen
from actors.gateway.risk_case import Rules
from actors.messages import Intent
from actors.venue.answers import ListedMarket
from actors.venue.port import Accepted, AcceptedStatus, Beaten, TradeStatus, VenueTrade
from signals.market import CYCLE_MS, Outcome
from signals.units import MicroShares, MicroUsd
from tests.actors.gateway.builders import CLOSE_MS, DUE_MS, OPEN_MS, Machine, intent
from tests.actors.gateway.fake_venue import listed_market, token_book
from tests.bench.frame import Row, bench, median

EXPONENT_AIM: Final = 0.2
SLOTS: Final = (16, 32, 64, 128, 256)
SLOTS_HISTORY: Final = 2
"""Windows known before, in the run over slots."""
HISTORY: Final = (2, 6, 12, 24, 48)
"""Windows known before, in the run over history; twelve are an hour."""
HISTORY_SLOTS: Final = 16
ORDERS: Final = 2
"""Of each slot in each window."""
TICKS: Final = 40
"""Between two windows: the clock looks 20 times a second, and a window takes minutes."""
ROUNDS: Final = 3
NO_LIMIT: Final = MicroUsd(10**15)
RULES: Final = Rules(
    limits=RiskLimits(
        slot_exposure_micro_usd=NO_LIMIT,
        fleet_exposure_micro_usd=NO_LIMIT,
        settlement_net_up_micro_usd=NO_LIMIT,
        orders_per_minute=10**9,
        daily_loss_micro_usd=NO_LIMIT,
        repeated_executions=10**6,
    ),
    timing=Timing(),
)
LIVE: Final = Accepted(status=AcceptedStatus.LIVE)


class Gateway:
    """One gateway of so many slots, and the seconds that its steps took, by kind of event."""

    def __init__(self, slots: int) -> None:
        self.machine = Machine(RULES).start()
        self.slots = [f"slot{number}-5m" for number in range(slots)]
        for slot in self.slots:
            self.machine.own(slot)
        self.window = 0
        self.spent: dict[str, list[float]] = {}

    def apply(self, kind: str, event: object) -> None:
        began = time.thread_time()
        self.machine.apply(event)  # type: ignore[arg-type]
        self.spent.setdefault(kind, []).append(time.thread_time() - began)

    def play(self) -> None:
        """Play one window of all slots to its settlement."""
        machine, open_ms = self.machine, OPEN_MS + self.window * CYCLE_MS
        machine.market_ms = open_ms + DUE_MS - OPEN_MS
        sent = [self._intent(slot, leg, open_ms) for slot in self.slots for leg in range(ORDERS)]
        orders = [self._order(one) for one in sent]
        self._ticks()
        for order_id, one in zip(orders, sent, strict=True):
            self._fill(order_id, one)
        self._ticks()
        machine.market_ms = open_ms + CLOSE_MS - OPEN_MS
        for slot in self.slots:
            condition = f"{slot}/{self.window}"
            seen = ResolutionSeen(condition_id=condition, outcome=Outcome.UP, **machine.at)
            self.apply("resolution", seen)
        self._ticks()
        machine.wire_ms += CYCLE_MS
        self.window += 1

    def _intent(self, slot: str, leg: int, open_ms: int) -> Intent:
        made = intent(slot=slot, leg=leg, window_open_ms=open_ms, due_ms=open_ms + 20_000)
        return replace(
            made,
            condition_id=f"{slot}/{self.window}",
            token_id=f"up-{slot}/{self.window}",
            close_ms=open_ms + CYCLE_MS,
            book_mid=510_000,
            price=500_000 - 10_000 * leg,
            sent_wire_ms=self.machine.wire_ms,
        )

    def _order(self, one: Intent) -> str:
        from actors.gateway.events import IntentArrived, SignDone
        from tests.actors.gateway.builders import signed

        machine = self.machine
        machine.wire_ms += 1_000  # the rate rule looks back a minute: so many are in it at any size
        one = replace(one, sent_wire_ms=machine.wire_ms)
        self.apply("intent", IntentArrived(reply_to=3, intent=one, **machine.at))
        self._answer_facts()
        assert any(isinstance(effect, Sign) for effect in machine.effects), machine.effects
        made = replace(signed(one.intent_id), signed_wire_ms=machine.wire_ms)
        done = SignDone(intent_id=one.intent_id, outcome=made, **machine.at)
        self.apply("signed", done)
        self.apply("posted", PostDone(order_id=made.order_id, outcome=LIVE, **machine.at))
        return made.order_id

    def _answer_facts(self) -> None:
        """Answer what the gateway asks the venue about markets, as often as it asks."""
        machine = self.machine
        while asked := [e for e in machine.effects if isinstance(e, AskMarket | AskBook)]:
            machine.effects = ()
            for ask in asked:
                if isinstance(ask, AskMarket):
                    seen: object = MarketSeen(slug=ask.slug, market=_listed(ask.slug), **machine.at)
                else:
                    book = token_book(ask.token_id)
                    seen = BookSeen(intent_id=ask.intent_id, book=book, **machine.at)
                self.apply("intent", seen)
                if any(isinstance(effect, Sign) for effect in machine.effects):
                    return

    def _fill(self, order_id: str, one: Intent) -> None:
        half = MicroShares(one.shares // 2)
        for part in range(2):
            matched = VenueTrade(
                fill_id=f"{order_id}/{part}",
                order_id=order_id,
                condition_id=one.condition_id,
                token_id=one.token_id,
                side=one.side,
                price=one.price,
                shares=half,
                maker=True,
                fee_micro_usd=MicroUsd(0),
                status=TradeStatus.MATCHED,
                matched_wire_ms=self.machine.wire_ms,
            )
            for status in (TradeStatus.MATCHED, TradeStatus.CONFIRMED):
                event = StreamUpdated(event=replace(matched, status=status), **self.machine.at)
                self.apply("fill", event)

    def _ticks(self) -> None:
        machine = self.machine
        for _ in range(TICKS):
            began = time.thread_time()
            machine.tick(wire_ms=200)
            self.spent.setdefault("tick", []).append(time.thread_time() - began)
            effects = machine.effects
            self._answer_facts()
            for effect in effects:
                if isinstance(effect, PollVenue):
                    looked = VenuePolled(
                        orders=(), trades=(), started_wire_ms=machine.wire_ms - 1, **machine.at
                    )
                    # what rests is told as open, so that nothing is looked for again
                    self.apply("look", replace(looked, orders=self._open()))
            machine.apply(BeatDone(outcome=Beaten(heartbeat_id="h"), **machine.at))

    def _open(self) -> tuple[object, ...]:
        from actors.venue.port import VenueOrder

        return tuple(
            VenueOrder(
                order_id=order.order_id,
                condition_id=order.condition_id,
                token_id="t",
                side=order.side,
                price=order.price,
                shares=order.shares,
                filled_shares=MicroShares(0),
                status="LIVE",
                created_wire_ms=order.signed_wire_ms,
            )
            for order in self.machine.state.ledger.orders.values()
        )

    def cost_us(self, *kinds: str) -> float:
        """Return the mean cost of these kinds of event since the last call, in microseconds."""
        times = [spent for kind in kinds or tuple(self.spent) for spent in self.spent[kind]]
        return 1e6 * sum(times) / len(times)


def _listed(slug: str) -> ListedMarket:
    """The market of a slot's window, as `Gateway._intent` names it."""
    listed = listed_market(slug)
    assert listed.open_ms is not None
    slot, window = slug.split("-", maxsplit=1)[0] + "-5m", (listed.open_ms - OPEN_MS) // CYCLE_MS
    return replace(
        listed,
        condition_id=f"{slot}/{window}",
        up_token_id=f"up-{slot}/{window}",
        down_token_id=f"down-{slot}/{window}",
    )


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Return the least-squares slope of log cost over log size."""
    xs, ys = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    x0, y0 = sum(xs) / len(xs), sum(ys) / len(ys)
    up = sum((x - x0) * (y - y0) for x, y in zip(xs, ys, strict=True))
    return up / sum((x - x0) ** 2 for x in xs)


KINDS: Final = ("intent", "signed", "posted", "fill", "resolution", "tick")


def measure_growth(title: str, sizes: Sequence[int], made: dict[int, Gateway]) -> list[Row]:
    """Play the same windows on each size in turn; return cost by size and the exponents."""
    costs: dict[str, dict[int, list[float]]] = {kind: {} for kind in (*KINDS, "all")}
    for _ in range(ROUNDS):
        for size in sizes:
            gateway = made[size]
            gateway.spent.clear()
            gateway.play()
            for kind in KINDS:
                costs[kind].setdefault(size, []).append(gateway.cost_us(kind))
            costs["all"].setdefault(size, []).append(gateway.cost_us())
    rows = []
    longest = {size: 1e3 * max(map(max, made[size].spent.values())) for size in sizes}
    told = ", ".join(f"{size}: {spent:.1f}" for size, spent in longest.items())
    rows.append(Row(what=f"{title}: longest step of a window, ms", measured=told))
    for kind, by_size in costs.items():
        middle = [median(by_size[size]) for size in sizes]
        told = ", ".join(f"{size}: {cost:.0f}" for size, cost in zip(sizes, middle, strict=True))
        slope = exponent(sizes, middle)
        rows.append(
            Row(
                what=f"{title}: {kind}, microseconds an event",
                measured=f"{told}; exponent {slope:.2f}",
                aim=f"<= {EXPONENT_AIM}" if kind == "all" else "",
                met=slope <= EXPONENT_AIM if kind == "all" else None,
            )
        )
    return rows


def with_history(slots: int, windows: int) -> Gateway:
    gateway = Gateway(slots)
    for _ in range(windows):
        gateway.play()
    return gateway


def measure() -> list[Row]:
    rows = measure_growth(
        f"windows of history, {HISTORY_SLOTS} slots",
        HISTORY,
        {size: with_history(HISTORY_SLOTS, size) for size in HISTORY},
    )
    rows += measure_growth(
        "slots", SLOTS, {size: with_history(size, SLOTS_HISTORY) for size in SLOTS}
    )
    return rows


if __name__ == "__main__":
    bench("Gateway: cost of an event as it grows", measure)
