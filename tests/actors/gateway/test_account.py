"""The books beside the venue's account: lasting differences are told, what is under way is not."""

import msgspec
import pytest

from actors.gateway.account import POLLS
from actors.gateway.events import EndAlarm, RaiseAlarm
from actors.gateway.market_events import AccountSeen, AskAccount
from actors.venue.answers import AccountBalance
from actors.venue.port import TradeStatus, Unknown
from signals.market import Outcome
from signals.units import MICRO, MicroShares, MicroUsd
from tests.actors.gateway.builders import Machine, claim, intent, vacancy
from tests.actors.gateway.venue_answers import LIVE, alarms, posted, resolve, stream, trade

CASH = 900 * MICRO
COST = 5 * MICRO
"""Of ten shares at 50 cents."""
LATER_MS = 61_000


def account(cash: int = CASH, up: int = 10 * MICRO, down: int = 0) -> AccountBalance:
    shares = {"up-btc-5m": MicroShares(up), "down-btc-5m": MicroShares(down)}
    return AccountBalance(cash_micro_usd=MicroUsd(cash), shares=shares)


def poll(machine: Machine, seen: AccountBalance | Unknown, times: int = POLLS) -> list[RaiseAlarm]:
    """Let the venue say the same several times; return the alarms."""
    raised: list[RaiseAlarm] = []
    for _ in range(times):
        machine.wire_ms += 3_000
        machine.apply(AccountSeen(account=seen, **machine.at))
        raised += [e for e in machine.effects if isinstance(e, RaiseAlarm)]
    return raised


def with_position() -> Machine:
    """Ten shares of Up, bought and confirmed a market minute ago."""
    machine = Machine().start()
    poll(machine, account())  # the quiet moment that both sides' cash is measured from
    order_id = machine.order()
    posted(machine, order_id, LIVE)
    stream(machine, trade(order_id, status=TradeStatus.CONFIRMED))
    machine.market_ms += LATER_MS
    return machine


def test_books_that_agree_raise_nothing() -> None:
    assert poll(with_position(), account(cash=CASH - COST)) == []


def test_shares_that_the_venue_has_on_the_other_outcome_are_told_with_both_figures() -> None:
    swapped = account(cash=CASH - COST, up=0, down=10 * MICRO)
    raised = poll(with_position(), swapped)
    assert {alarm.kind for alarm in raised} == {"books_differ"}
    assert len(raised) == 2
    up = next(alarm for alarm in raised if str(Outcome.UP) in alarm.subject)
    assert "10.000000 shares by the books, 0.000000 at the venue" in up.evidence


@pytest.mark.parametrize("looks", range(1, POLLS))
def test_a_difference_that_goes_away_is_none(looks: int) -> None:
    machine = with_position()
    assert poll(machine, account(cash=CASH - COST, up=0), looks) == []
    assert poll(machine, account(cash=CASH - COST)) == []
    assert poll(machine, account(cash=CASH - COST, up=0), looks) == []


def test_a_difference_is_looked_at_again_soon() -> None:
    machine = with_position()
    poll(machine, account(cash=CASH - COST, up=0), 1)
    machine.tick(wire_ms=2_500)
    assert machine.asked(AskAccount)


def test_a_fill_that_is_not_confirmed_or_only_just_excuses_its_market() -> None:
    for status, later_ms in ((TradeStatus.MINED, LATER_MS), (TradeStatus.CONFIRMED, 1_000)):
        machine = Machine().start()
        order_id = machine.order()
        posted(machine, order_id, LIVE)
        stream(machine, trade(order_id, status=status))
        machine.market_ms += later_ms
        assert poll(machine, account(up=0)) == []


def test_an_order_that_rests_excuses_its_market() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, LIVE)
    stream(machine, trade(order_id, shares=5_000_000, status=TradeStatus.CONFIRMED))
    machine.market_ms += LATER_MS
    assert poll(machine, account(up=0)) == []


def test_a_step_of_dust_is_no_difference() -> None:
    assert poll(with_position(), account(cash=CASH - COST, up=10 * MICRO - 10_000)) == []


def test_cash_that_is_missing_is_told_with_both_figures() -> None:
    (alarm,) = poll(with_position(), account(cash=CASH - COST - MICRO))
    assert alarm.kind == "books_differ"
    assert alarm.subject == "cash"
    assert "894.000000 USD at the venue" in alarm.evidence


def test_a_payout_may_come_before_or_after_the_settlement_is_known() -> None:
    for known in (False, True):
        machine = with_position()
        if known:
            machine.market_ms = intent().close_ms
            resolve(machine)
        assert poll(machine, account(cash=CASH - COST)) == []
        assert poll(machine, account(cash=CASH - COST + 10 * MICRO)) == []
        assert poll(machine, account(cash=CASH - COST + 12 * MICRO)) != []


def test_a_fill_that_failed_moves_no_cash() -> None:
    machine = Machine().start()
    poll(machine, account())
    order_id = machine.order()
    posted(machine, order_id, LIVE)
    stream(machine, trade(order_id))
    stream(machine, trade(order_id, status=TradeStatus.FAILED))
    machine.market_ms += LATER_MS
    assert poll(machine, account(up=0)) == []


def test_the_account_is_compared_after_a_roll_and_every_few_minutes() -> None:
    machine = Machine().start()
    machine.tick(wire_ms=3_000)
    assert machine.asked(AskAccount)
    machine.apply(AccountSeen(account=account(), **machine.at))
    machine.tick(wire_ms=60_000)
    assert not machine.asked(AskAccount)
    machine.tick(wire_ms=130_000)
    assert machine.asked(AskAccount)
    machine.apply(AccountSeen(account=account(), **machine.at))
    machine.own("eth-5m")
    machine.tick(wire_ms=6_000)
    assert machine.asked(AskAccount)
    assert vacancy("eth-5m").slot == claim("eth-5m").slot


def test_a_confirmed_fill_is_compared_once_it_rests() -> None:
    machine = Machine().start()
    machine.answer_facts(machine.tick(wire_ms=6_000))
    machine.apply(AccountSeen(account=account(), **machine.at))
    order_id = machine.order()
    posted(machine, order_id, LIVE)
    stream(machine, trade(order_id, status=TradeStatus.CONFIRMED))
    machine.tick(wire_ms=6_000)
    assert not machine.asked(AskAccount)
    machine.tick(market_ms=LATER_MS)
    assert [set(ask.token_ids) for ask in machine.asked(AskAccount)] == [  # type: ignore[union-attr]
        {"up-btc-5m", "down-btc-5m"}
    ]


def test_an_answer_that_was_lost_is_asked_for_again_and_says_so() -> None:
    machine = Machine().start()
    machine.tick(wire_ms=3_000)
    machine.apply(AccountSeen(account=Unknown(reason="HTTP 500"), **machine.at))
    assert machine.state.flight.account.trouble == "HTTP 500"


# ---- balance ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seen",
    [
        account(cash=399 * MICRO),
        msgspec.structs.replace(account(), allowance_micro_usd=MicroUsd(0)),
    ],
    ids=["balance", "approval"],
)
def test_an_account_with_less_than_the_slots_may_use_is_told_until_it_has_enough(
    seen: AccountBalance,
) -> None:
    machine = Machine().start()
    poll(machine, seen, 1)
    assert alarms(machine) == ["balance_low"]
    poll(machine, seen, 1)
    assert alarms(machine) == [], "once"
    poll(machine, account(cash=401 * MICRO), 1)
    assert any(isinstance(e, EndAlarm) and e.kind == "balance_low" for e in machine.effects)
    poll(machine, seen, 1)
    assert alarms(machine) == ["balance_low"], "and again when it comes again"
