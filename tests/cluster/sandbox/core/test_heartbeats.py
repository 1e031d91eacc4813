"""The dead man's switch."""

from pathlib import Path

import pytest

from cluster.sandbox.model import CancelReason, OrderState
from tests.cluster.sandbox.core.small_exchange import ALICE, BOB, SmallExchange


@pytest.fixture
def desk(tmp_path: Path) -> SmallExchange:
    return SmallExchange(tmp_path, speed=1)


def test_without_a_first_heartbeat_silence_cancels_nothing(desk: SmallExchange) -> None:
    result = desk.buy(ALICE, 40, 10)
    desk.step(60_000)
    assert desk.order(result).state is OrderState.LIVE


def test_ten_seconds_of_silence_cancel_all_orders_of_that_account_alone(
    desk: SmallExchange,
) -> None:
    mine, other = desk.buy(ALICE, 40, 10), desk.buy(BOB, 40, 10)
    assert desk.exchange.heartbeat(ALICE, "", desk.now).accepted
    desk.step(9_999)
    assert desk.order(mine).state is OrderState.LIVE
    desk.step(1)
    assert desk.order(mine).cancel_reason is CancelReason.HEARTBEAT
    assert desk.order(other).state is OrderState.LIVE


def test_the_chain_of_ids_keeps_orders_alive(desk: SmallExchange) -> None:
    result = desk.buy(ALICE, 40, 10)
    heartbeat_id = ""
    for _ in range(5):
        answer = desk.exchange.heartbeat(ALICE, heartbeat_id, desk.now)
        assert answer.accepted
        assert answer.heartbeat_id != heartbeat_id
        heartbeat_id = answer.heartbeat_id
        desk.step(5_000)
    assert desk.order(result).state is OrderState.LIVE


def test_a_wrong_id_is_told_the_right_one_and_is_no_sign_of_life(desk: SmallExchange) -> None:
    result = desk.buy(ALICE, 40, 10)
    right = desk.exchange.heartbeat(ALICE, "", desk.now).heartbeat_id
    desk.step(6_000)
    wrong = desk.exchange.heartbeat(ALICE, "mine", desk.now)
    assert (wrong.accepted, wrong.heartbeat_id) == (False, right)
    desk.step(4_000)
    assert desk.order(result).cancel_reason is CancelReason.HEARTBEAT
    assert desk.exchange.heartbeat(ALICE, right, desk.now).accepted


def test_there_is_no_disarming(desk: SmallExchange) -> None:
    desk.exchange.heartbeat(ALICE, "", desk.now)
    desk.step(20_000)
    result = desk.buy(ALICE, 40, 10)
    desk.step(50)
    assert desk.order(result).cancel_reason is CancelReason.HEARTBEAT


def test_the_switch_stays_armed_over_a_restart_with_a_new_grace(desk: SmallExchange) -> None:
    result = desk.buy(ALICE, 40, 10)
    desk.exchange.heartbeat(ALICE, "", desk.now)
    desk.step(5_000)
    desk.restart()
    desk.step(9_999)
    assert desk.order(result).state is OrderState.LIVE
    desk.step(1)
    assert desk.order(result).cancel_reason is CancelReason.HEARTBEAT


def test_after_a_restart_an_old_id_is_told_a_new_one_that_works(desk: SmallExchange) -> None:
    old = desk.exchange.heartbeat(ALICE, "", desk.now).heartbeat_id
    desk.wire_ms += 1
    desk.restart()
    told = desk.exchange.heartbeat(ALICE, old, desk.now)
    assert not told.accepted
    assert told.heartbeat_id not in ("", old)
    assert desk.exchange.heartbeat(ALICE, told.heartbeat_id, desk.now).accepted
