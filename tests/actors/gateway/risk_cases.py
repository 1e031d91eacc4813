"""Cases of the risk check: an intent, the books beside it, and what the venue says."""

from msgspec.structs import replace

from actors.config import RiskLimits, Timing
from actors.gateway import risk
from actors.gateway.exposure import Holding
from actors.gateway.fold import fold
from actors.gateway.ledger import Ledger
from actors.gateway.market_events import Listing
from actors.gateway.market_facts import slug_of
from actors.gateway.order_life import Order, OrderState
from actors.gateway.records import FenceMoved, Market
from actors.gateway.risk_case import Case, Rules
from actors.messages import FenceRecord, Intent
from signals.decision import Style
from signals.market import Outcome, Side
from signals.units import MicroShares, MicroUsd, PriceMicroUsd
from tests.actors.gateway.builders import CLOSE_MS, DUE_MS, RELEASE, WIRE_MS, intent
from tests.actors.gateway.fake_venue import listed_market, token_book

LIMITS = RiskLimits(
    slot_exposure_micro_usd=MicroUsd(10_000_000),
    fleet_exposure_micro_usd=MicroUsd(15_000_000),
    settlement_net_up_micro_usd=MicroUsd(12_000_000),
    orders_per_minute=2,
    daily_loss_micro_usd=MicroUsd(3_000_000),
)


MID = 510_000


RULES = Rules(limits=LIMITS, timing=Timing())


def owned(*slots: str) -> Ledger:
    records = [
        FenceMoved(
            record=FenceRecord(
                slot=slot,
                fence=1,
                incarnation=1,
                life="l",
                release=RELEASE,
                commit="c",
                params="p",
                journal_sequence=0,
                outbox_sequence=0,
            )
        )
        for slot in slots
    ]
    return fold(Ledger(), records)


def case(an_intent: Intent | None = None, ledger: Ledger | None = None, **changes: object) -> Case:
    base = Case(
        intent=an_intent or intent(),
        ledger=ledger or owned("btc-5m", "eth-5m", "sol-5m"),
        rules=RULES,
        wire_ms=WIRE_MS,
        market_ms=DUE_MS + 100,
    )
    base = replace(base, **changes)
    return base if "listing" in changes else with_facts(base)


def with_facts(base: Case) -> Case:
    """Add what the venue says of the market of the case's slot and window, and of its book."""
    market = listed_market(slug_of(base.intent.intent_id))
    book = base.book or token_book(market.token(base.intent.outcome), MID)
    listing = Listing(market=market, wire_ms=base.wire_ms)
    return replace(base, listing=listing, book=book)


def code(a_case: Case) -> str | None:
    verdict = risk.check(a_case)
    return verdict.code if isinstance(verdict, risk.Refused) else None


def holding(
    slot: str, outcome: Outcome, shares: int, cost: int, close_ms: int = CLOSE_MS
) -> Holding:
    return Holding(
        slot=slot,
        condition_id=f"condition-{slot}",
        outcome=outcome,
        close_ms=close_ms,
        bought_shares=MicroShares(shares),
        bought_micro_usd=MicroUsd(cost),
    )


def holding_ledger(*holdings: Holding) -> Ledger:
    ledger = owned("btc-5m", "eth-5m", "sol-5m")
    for one in holdings:
        ledger.holdings[f"{one.slot}|{one.condition_id}|{one.outcome}"] = one
        ledger.markets[one.condition_id] = Market(
            condition_id=one.condition_id, close_ms=one.close_ms, slots=(one.slot,)
        )
    return ledger


def resting(slot: str, **changes: object) -> Order:
    an_intent = intent(slot=slot)
    base = Order(
        order_id=f"0x{slot}",
        intent_id=an_intent.intent_id,
        slot=slot,
        condition_id=an_intent.condition_id,
        token_id=an_intent.token_id,
        outcome=Outcome.UP,
        side=Side.BUY,
        style=Style.REST,
        price=PriceMicroUsd(500_000),
        shares=MicroShares(10_000_000),
        close_ms=CLOSE_MS,
        body=b"",
        signed_wire_ms=WIRE_MS,
        signed_market_ms=DUE_MS,
        state=OrderState.OPEN,
    )
    return replace(base, **changes)
