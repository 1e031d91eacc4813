"""Claims and the chain: what is owed after a settlement, and what transactions make of it."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from cluster.sandbox.chain.chain import NOT_RESOLVED, PRECHECK, USED
from cluster.sandbox.chain.contracts import COLLATERAL_ADAPTER, CONDITIONAL_TOKENS
from cluster.sandbox.chain.transactions import (
    Course,
    Redemption,
    Submission,
    TransactionKind,
    TransactionState,
)
from cluster.sandbox.model import MICRO, Market, Outcome
from tests.cluster.sandbox.core.small_exchange import ALICE, BOB, SmallExchange

_T = TransactionState
FINAL_MS = 3_000


@pytest.fixture
def desk(tmp_path: Path) -> SmallExchange:
    return SmallExchange(tmp_path, claims=True)


def settled(desk: SmallExchange) -> Market:
    """Let Alice hold 100 Up and Bob 100 Down of a market until it is settled."""
    desk.mint(100)
    market = desk.market()
    desk.until_market_ms(market.close_market_ms + 60_000)
    found = desk.exchange.market(market.condition_id, desk.now)
    assert found is not None
    assert found.winner is not None
    return found


def winner(market: Market) -> str:
    return ALICE if market.winner is Outcome.UP else BOB


def send(desk: SmallExchange, market: Market, **changes: object) -> Submission:
    owner = "0x" + winner(market)
    submission = Submission(
        transaction_id=str(len(desk.exchange.chain.all_transactions())),
        transaction_hash=f"0x{len(desk.exchange.chain.all_transactions())}",
        kind=TransactionKind.SAFE,
        owner=owner,
        wallet=f"{owner}-safe",
        nonce=desk.exchange.chain.nonce(TransactionKind.SAFE, f"{owner}-safe"),
        redemptions=(Redemption(target=COLLATERAL_ADAPTER, condition_id=market.condition_id),),
        signature="",
        submitted_wire_ms=desk.wire_ms,
    )
    return desk.exchange.chain.submit(replace(submission, **changes), desk.now)


def after(desk: SmallExchange, sent: Submission, ms: int = FINAL_MS) -> Submission:
    for _ in range(ms // 100):
        desk.step(100)
    found = desk.exchange.chain.transaction(sent.transaction_id)
    assert found is not None
    return found


def cash(desk: SmallExchange, market: Market) -> int:
    return desk.exchange.cash(winner(market)).settled


def test_a_settled_market_pays_nobody_until_its_winner_redeems(desk: SmallExchange) -> None:
    market = settled(desk)
    before = cash(desk, market)
    assert desk.exchange.holding(winner(market), market.token_id(market.winner)).settled > 0
    assert after(desk, send(desk, market)).state is _T.CONFIRMED
    assert cash(desk, market) - before == 100 * MICRO
    assert desk.exchange.holding(winner(market), market.token_id(market.winner)).settled == 0


def test_a_second_redemption_succeeds_and_pays_nothing(desk: SmallExchange) -> None:
    market = settled(desk)
    after(desk, send(desk, market))
    before = cash(desk, market)
    assert after(desk, send(desk, market)).state is _T.CONFIRMED
    assert cash(desk, market) == before


def test_a_nonce_is_taken_once(desk: SmallExchange) -> None:
    market = settled(desk)
    before = cash(desk, market)
    first, second = send(desk, market), send(desk, market)
    assert first.nonce == second.nonce
    assert after(desk, first).state is _T.CONFIRMED
    found = after(desk, second)
    assert (found.state, found.error) == (_T.FAILED, USED)
    assert cash(desk, market) - before == 100 * MICRO


def test_at_the_conditional_tokens_it_succeeds_burns_nothing_and_pays_nothing(
    desk: SmallExchange,
) -> None:
    market = settled(desk)
    before = cash(desk, market)
    wrong = (Redemption(target=CONDITIONAL_TOKENS, condition_id=market.condition_id),)
    assert after(desk, send(desk, market, redemptions=wrong)).state is _T.CONFIRMED
    assert cash(desk, market) == before
    assert after(desk, send(desk, market)).state is _T.CONFIRMED
    assert cash(desk, market) - before == 100 * MICRO


def test_a_block_that_is_replaced_takes_back_what_it_paid_and_its_nonce(
    desk: SmallExchange,
) -> None:
    market = settled(desk)
    before = cash(desk, market)
    sent = send(desk, market, course=Course.REVERTS)
    assert after(desk, sent, 1_500).state is _T.MINED
    assert cash(desk, market) - before == 100 * MICRO
    assert after(desk, sent).state is _T.FAILED
    assert cash(desk, market) == before
    assert desk.exchange.chain.nonce(sent.kind, sent.wallet) == sent.nonce
    assert after(desk, send(desk, market)).state is _T.CONFIRMED
    assert cash(desk, market) - before == 100 * MICRO


def test_before_the_settlement_it_reverts(desk: SmallExchange) -> None:
    desk.mint(100)
    market = replace(desk.market(), winner=Outcome.UP)
    found = after(desk, send(desk, market))
    assert (found.state, found.error) == (_T.FAILED, NOT_RESOLVED)


@pytest.mark.parametrize(
    ("course", "state", "words"),
    [
        (Course.FAILS, _T.FAILED, "execution reverted"),
        (Course.INVALID, _T.INVALID, "transaction rejected by the relayer"),
        (Course.PRECHECK, _T.FAILED, PRECHECK),
        (Course.STUCK, _T.NEW, ""),
    ],
)
def test_each_course_ends_as_it_is_named_and_moves_nothing(
    desk: SmallExchange, course: Course, state: TransactionState, words: str
) -> None:
    market = settled(desk)
    before = cash(desk, market)
    found = after(desk, send(desk, market, course=course))
    assert (found.state, found.error) == (state, words)
    assert cash(desk, market) == before


def test_a_batch_whose_time_is_over_is_not_executed(desk: SmallExchange) -> None:
    market = settled(desk)
    found = after(desk, send(desk, market, deadline_s=desk.wire_ms // 1_000 - 1))
    assert found.state is _T.FAILED


def test_the_venues_operator_redeems_what_is_left(desk: SmallExchange) -> None:
    market = settled(desk)
    before = cash(desk, market)
    assert [one.condition_id for one in desk.exchange.chain.claimed_markets()] == [
        market.condition_id
    ]
    desk.exchange.chain.redeem_for(market, desk.now)
    assert cash(desk, market) - before == 100 * MICRO
    assert desk.exchange.chain.claimed_markets() == ()


def test_a_restart_of_the_exchange_changes_nothing_of_it(desk: SmallExchange) -> None:
    market = settled(desk)
    before = cash(desk, market)
    sent = send(desk, market)
    after(desk, sent, 500)
    desk.restart()
    assert after(desk, sent).state is _T.CONFIRMED
    assert cash(desk, market) - before == 100 * MICRO
    desk.restart()
    assert cash(desk, market) - before == 100 * MICRO
    assert desk.exchange.chain.nonce(sent.kind, sent.wallet) == sent.nonce + 1
