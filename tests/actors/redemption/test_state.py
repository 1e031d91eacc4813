"""Whose turn it is, what is an alarm, and what a claim comes to in the end."""

from msgspec.structs import replace

from actors.redemption.acts import GIVE_UP_MS, REOPEN_MS
from actors.redemption.claim import Claim, Held, Payment, Step
from actors.redemption.events import (
    ChainRead,
    EndAlarm,
    Found,
    Listed,
    RaiseAlarm,
    Refused,
    Sign,
    Sweep,
    Ticked,
)
from actors.redemption.state import (
    OVERDUE_MS,
    SUBMITS_PER_MINUTE,
    TRIES_MAX,
    State,
    pruned,
    step,
)
from signals.units import MicroShares, MicroUsd

HELD = (Held(token_id="1", shares=MicroShares(5_000_000)),)
CLAIM = Claim(
    condition_id="a", slug="btc", held=HELD, worth_micro_usd=MicroUsd(5_000_000), seen_wire_ms=0
)


def listed(name: str, wire_ms: int) -> Listed:
    found = Found(
        condition_id=name,
        wire_ms=wire_ms,
        slug="btc",
        held=HELD,
        worth_micro_usd=MicroUsd(5_000_000),
    )
    return Listed(wire_ms=wire_ms, found=(found,))


def ticks(state: State, first_ms: int, last_ms: int, every_ms: int = 250) -> tuple[State, list]:
    asked = []
    for now_ms in range(first_ms, last_ms, every_ms):
        state, ready = step(state, Ticked(wire_ms=now_ms))
        asked += [(now_ms, effect) for effect in ready.effects]
    return state, asked


def test_the_first_tick_sweeps_and_a_sweep_under_way_is_not_asked_again() -> None:
    _, asked = ticks(State(), 0, 200_000)
    assert [effect for _, effect in asked] == [Sweep()]


def test_one_transaction_of_a_wallet_at_a_time_oldest_first() -> None:
    state = State(claims={"b": replace(CLAIM, condition_id="b", seen_wire_ms=5), "a": CLAIM})
    state, asked = ticks(state, 0, 20_000)
    signed = [effect.claim.condition_id for _, effect in asked if isinstance(effect, Sign)]
    assert signed == ["a"]


def test_submissions_stay_below_the_venues_limit_whatever_is_refused() -> None:
    """A refused claim waits; another one is signed for; in a minute at most so many."""
    many = {f"c{n}": replace(CLAIM, condition_id=f"c{n}") for n in range(200)}
    state, signed = State(claims=many), []
    for now_ms in range(0, 120_000, 250):
        state, ready = step(state, Ticked(wire_ms=now_ms))
        for effect in ready.effects:
            if isinstance(effect, Sign):
                signed.append(now_ms)
                name = effect.claim.condition_id
                spent = replace(state.claims[name], phase=Step.SUBMITTING)
                state = replace(
                    state,
                    claims={**state.claims, name: spent},
                    milli_tokens=state.milli_tokens - 1_000,
                )
                refused = Refused(condition_id=name, wire_ms=now_ms, reason="429", wait_ms=60_000)
                state, _ = step(state, refused)
    worst = max(sum(at <= other < at + 60_000 for other in signed) for at in signed)
    assert worst <= SUBMITS_PER_MINUTE + 5 <= 25
    assert min(signed) >= 3_000


def test_what_is_overdue_is_an_alarm_once_and_ends_with_the_money() -> None:
    claim = replace(CLAIM, phase=Step.CHECKING, transaction_hash="0x1", due_wire_ms=10**15)
    state, asked = ticks(State(claims={"a": claim}), OVERDUE_MS - 1_000, OVERDUE_MS + 5_000)
    raised = [effect for _, effect in asked if isinstance(effect, RaiseAlarm)]
    assert len(raised) == 1
    assert "5.000000 USD are not redeemed after 6.0 h" in raised[0].text
    read = ChainRead(
        condition_id="a",
        wire_ms=OVERDUE_MS + 6_000,
        shares=0,
        payments=(Payment(transaction_hash="0x1", micro_usd=MicroUsd(5_000_000)),),
    )
    state, ready = step(state, read)
    assert EndAlarm(condition_id="a") in ready.effects
    assert state.claims["a"].phase is Step.PAID


def test_five_tries_in_vain_are_an_alarm_long_before_that() -> None:
    claim = replace(CLAIM, tries=TRIES_MAX, due_wire_ms=10**15, trouble="zero position balance")
    _, asked = ticks(State(claims={"a": claim}), 1_000, 1_300)
    (text,) = [effect.text for _, effect in asked if isinstance(effect, RaiseAlarm)]
    assert text.endswith("zero position balance")


def test_less_money_than_the_shares_were_worth_is_booked_as_it_came_and_is_an_alarm() -> None:
    claim = replace(CLAIM, phase=Step.CHECKING, transaction_hash="0x1")
    read = ChainRead(
        condition_id="a",
        wire_ms=1_000,
        shares=0,
        payments=(Payment(transaction_hash="0x1", micro_usd=MicroUsd(2_000_000)),),
    )
    state, ready = step(State(claims={"a": claim}), read)
    assert state.claims["a"].paid_micro_usd == 2_000_000
    (alarm,) = [effect for effect in ready.effects if isinstance(effect, RaiseAlarm)]
    assert alarm.text == "2.000000 USD came of 5.000000"


def test_shares_that_come_after_the_payment_are_redeemed_in_another_round() -> None:
    """A listing that is behind right after the payment begins nothing."""
    paid = replace(
        CLAIM,
        phase=Step.PAID,
        due_wire_ms=1_000,
        payments=(Payment(transaction_hash="0x1", micro_usd=MicroUsd(5_000_000)),),
    )
    state, _ = step(State(claims={"a": paid}), listed("a", 1_000 + REOPEN_MS - 1))
    assert state.claims["a"].phase is Step.PAID
    state, _ = step(state, listed("a", 1_000 + REOPEN_MS))
    again = state.claims["a"]
    assert (again.phase, again.paid_before_micro_usd) == (Step.WAITING, 5_000_000)


def test_shares_that_went_without_a_payment_are_looked_for_a_week_and_stay_an_alarm() -> None:
    claim = replace(CLAIM, phase=Step.IN_DOUBT)
    read = ChainRead(condition_id="a", wire_ms=GIVE_UP_MS - 1, shares=0, payments=())
    state, ready = step(State(claims={"a": claim}), read)
    assert state.claims["a"].phase is Step.IN_DOUBT
    state, ready = step(state, replace(read, wire_ms=GIVE_UP_MS, payments=None))
    assert state.claims["a"].phase is Step.IN_DOUBT
    state, ready = step(state, replace(read, wire_ms=GIVE_UP_MS))
    assert state.claims["a"].phase is Step.LOST
    assert not any(isinstance(effect, EndAlarm) for effect in ready.effects)


def test_a_listing_that_cannot_be_read_changes_no_claim() -> None:
    state, ready = step(
        State(claims={"a": CLAIM}, sweeping=True), Listed(wire_ms=1, found=None, reason="502")
    )
    assert state.claims == {"a": CLAIM}
    assert not ready.writes
    assert (state.sweeping, state.listing_trouble) == (False, "502")


def test_what_was_paid_long_ago_is_forgotten_but_for_its_sum() -> None:
    paid = replace(
        CLAIM,
        phase=Step.PAID,
        payments=(Payment(transaction_hash="0x1", micro_usd=MicroUsd(5_000_000)),),
    )
    later = pruned(
        State(claims={"a": paid, "b": replace(CLAIM, condition_id="b")}), 15 * 86_400_000
    )
    assert set(later.claims) == {"b"}
    assert later.forgotten_micro_usd == 5_000_000
