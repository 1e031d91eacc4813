"""The fault board: what it hits, how often, and that a seed repeats it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.sandbox.faults import BEFORE, SOCKET, Fault, FaultBoard, FaultError, FaultKind

ROUTE = "POST /clob/order"


def hits(board: FaultBoard, times: int, route: str = ROUTE) -> list[bool]:
    return [bool(board.take(BEFORE, route)) for _ in range(times)]


def test_a_counted_fault_hits_so_often_and_no_more() -> None:
    board = FaultBoard(seed=1)
    board.set(Fault(kind=FaultKind.STATUS, count=2))
    assert hits(board, 4) == [True, True, False, False]
    assert board.states()[0].hits == 2
    assert board.states()[0].left == 0


def test_a_fault_without_a_count_stays_until_it_is_cleared() -> None:
    board = FaultBoard(seed=1)
    number = board.set(Fault(kind=FaultKind.DELAY, delay_ms=5))
    assert all(hits(board, 50))
    assert board.clear(number) == 1
    assert not any(hits(board, 3))
    assert board.clear(number) == 0


@pytest.mark.parametrize(
    ("pattern", "route", "expected"),
    [
        ("*", ROUTE, True),
        ("POST /clob/*", ROUTE, True),
        ("POST /clob/order", "POST /clob/orders", False),
        ("GET *", ROUTE, False),
        ("ws/market", ROUTE, False),
    ],
)
def test_a_fault_hits_the_routes_it_names(pattern: str, route: str, expected: bool) -> None:  # noqa: FBT001 a table of cases
    board = FaultBoard(seed=1)
    board.set(Fault(kind=FaultKind.STATUS, route=pattern))
    assert bool(board.take(BEFORE, route)) is expected


def test_a_fault_of_another_kind_is_neither_taken_nor_counted() -> None:
    board = FaultBoard(seed=1)
    board.set(Fault(kind=FaultKind.DUPLICATE, count=1))
    assert not board.take(BEFORE, "ws/market")
    assert board.take(SOCKET, "ws/market", "token")


def test_a_socket_fault_can_be_narrowed_to_one_key() -> None:
    board = FaultBoard(seed=1)
    board.set(Fault(kind=FaultKind.SILENT, route="ws/prices", match="*/btcusd"))
    assert board.take(SOCKET, "ws/prices", "price.crypto.twap/btcusd")
    assert not board.take(SOCKET, "ws/prices", "price.crypto.twap/ethusd")


@given(st.integers(0, 2**32), st.floats(0.05, 0.95))
def test_a_seed_repeats_its_draws(seed: int, probability: float) -> None:
    def draws() -> list[bool]:
        board = FaultBoard(seed)
        board.set(Fault(kind=FaultKind.STATUS, probability=probability))
        return hits(board, 40)

    assert draws() == draws()


def test_a_probability_is_kept_over_many_requests() -> None:
    board = FaultBoard(seed=3)
    board.set(Fault(kind=FaultKind.STATUS, probability=0.3))
    assert 220 < sum(hits(board, 1000)) < 380


def test_a_market_fault_counts_markets_and_stays_with_them() -> None:
    board = FaultBoard(seed=1)
    board.set(Fault(kind=FaultKind.NULL_PRICE, match="btc-updown-5m-*", count=1))
    kind = FaultKind.NULL_PRICE
    assert board.on_market(kind, "eth-updown-5m-300") is None
    assert board.on_market(kind, "btc-updown-5m-300") is not None
    assert board.on_market(kind, "btc-updown-5m-600") is None
    assert board.on_market(kind, "btc-updown-5m-300") is not None


def test_clock_skews_add_up() -> None:
    board = FaultBoard(seed=1)
    board.set(Fault(kind=FaultKind.CLOCK_SKEW, delay_ms=-3000))
    board.set(Fault(kind=FaultKind.CLOCK_SKEW, delay_ms=500))
    assert board.skew_ms() == -2500
    board.clear()
    assert board.skew_ms() == 0


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(kind=FaultKind.STATUS, probability=0), "probability"),
        (Fault(kind=FaultKind.STATUS, count=0), "count"),
        (Fault(kind=FaultKind.STATUS, status=99), "status"),
        (Fault(kind=FaultKind.DELAY, delay_ms=-1), "clock_skew"),
        (Fault(kind=FaultKind.DELAY, delay_ms=10**9), "delay_ms"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_by_the_field(fault: Fault, message: str) -> None:
    with pytest.raises(FaultError, match=message):
        FaultBoard(seed=1).set(fault)
