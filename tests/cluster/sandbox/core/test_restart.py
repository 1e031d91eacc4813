"""What survives a death of the sandbox: everything that accounts own."""

from pathlib import Path

import pytest

from cluster.sandbox.assemble import open_sandbox
from cluster.sandbox.clock import RESERVE_WIRE_MS, ClockFile
from cluster.sandbox.exchange import ExchangeConfig
from cluster.sandbox.ledger import FILE_NAME, Ledger, LedgerError
from cluster.sandbox.model import MICRO, CancelReason, OrderState, Outcome
from tests.cluster.sandbox.core.small_exchange import ALICE, BOB, WIRE_START_MS, SmallExchange

START_MS = 1_791_201_600_000


def test_accounts_orders_and_trades_are_the_same_after_a_restart(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path)
    desk.mint(50)
    resting = desk.buy(ALICE, 40, 10)
    desk.sell(ALICE, 70, 10)
    before, cash = desk.exchange.digest(), desk.exchange.cash(ALICE)
    desk.restart()
    assert desk.exchange.digest() == before
    assert desk.exchange.cash(ALICE) == cash
    assert desk.exchange.open_orders(ALICE)[0].order_id == resting.order_id
    book = desk.exchange.book(desk.market().up_token_id, desk.now)
    assert book is not None
    assert [x.shares for x in (*book.bids, *book.asks)] == [10 * MICRO, 10 * MICRO]


def test_orders_keep_their_order_in_the_queue_over_a_restart(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path)
    first, second = desk.buy(ALICE, 40, 10), desk.buy(BOB, 40, 10)
    desk.restart()
    assert desk.exchange.queue_ahead(first.order_id) == 0
    assert desk.exchange.queue_ahead(second.order_id) == 10 * MICRO


def test_a_delayed_taker_is_matched_after_the_restart(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, taker_delay_wire_ms=150)
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    result = desk.buy(ALICE, 50, 10)
    desk.wire_ms += 60
    desk.restart()
    assert desk.order(result).state is OrderState.DELAYED
    desk.step(90)
    assert desk.order(result).state is OrderState.MATCHED


def test_a_market_that_closed_while_the_sandbox_was_down_is_settled_and_paid(
    tmp_path: Path,
) -> None:
    desk = SmallExchange(tmp_path)
    desk.mint(50)
    resting = desk.buy(ALICE, 40, 10)
    market = desk.market()
    while desk.now.market_ms < market.close_market_ms + 60_000:
        desk.wire_ms += 1_000
    desk.restart()
    desk.step(50)
    assert desk.order(resting).cancel_reason is CancelReason.CLOSE
    total = sum(desk.exchange.cash(name).settled for name in (ALICE, BOB))
    assert total == 2 * desk.config.starting_balance_micro_usd - 880_000 + 5_000


def test_market_time_stands_still_while_the_sandbox_is_down(tmp_path: Path) -> None:
    config = ExchangeConfig(seed=1, speed=30)
    first = open_sandbox(tmp_path, config, tape=None, wire_ms=WIRE_START_MS)
    stopped = first.clock.keep(WIRE_START_MS + 5_000)
    assert stopped.market_ms == START_MS + 150_000
    first.ledger.close()
    first.clock.close(WIRE_START_MS + 5_000)
    later = WIRE_START_MS + 3_600_000
    second = open_sandbox(tmp_path, config, tape=None, wire_ms=later)
    assert second.clock.keep(later).market_ms == stopped.market_ms
    second.ledger.close()


def test_after_a_crash_market_time_never_goes_back(tmp_path: Path) -> None:
    clock = ClockFile.resume(tmp_path, speed=30, start_market_ms=0, wire_ms=0)
    seen = 0
    for wire_ms in range(0, 5_000, 50):
        seen = clock.keep(wire_ms).market_ms
    resumed = ClockFile.resume(tmp_path, speed=30, start_market_ms=0, wire_ms=9_000)
    gap_ms = resumed.keep(9_000).market_ms - seen
    assert 0 <= gap_ms <= RESERVE_WIRE_MS * 30


def test_a_state_folder_is_not_continued_with_other_prices(tmp_path: Path) -> None:
    first = open_sandbox(tmp_path, ExchangeConfig(seed=1), tape=None, wire_ms=WIRE_START_MS)
    first.ledger.close()
    with pytest.raises(LedgerError, match="made with seed 1"):
        open_sandbox(tmp_path, ExchangeConfig(seed=2), tape=None, wire_ms=WIRE_START_MS)


def test_two_sandboxes_cannot_share_a_folder(tmp_path: Path) -> None:
    first = open_sandbox(tmp_path, ExchangeConfig(), tape=None, wire_ms=WIRE_START_MS)
    with pytest.raises(LedgerError, match="another sandbox"):
        open_sandbox(tmp_path, ExchangeConfig(), tape=None, wire_ms=WIRE_START_MS)
    first.ledger.close()


def test_an_order_cut_off_by_a_torn_ledger_does_not_come_back(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path)
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    result = desk.buy(ALICE, 50, 10)
    path = tmp_path / FILE_NAME
    lines = path.read_bytes().splitlines(keepends=True)
    last = max(n for n, line in enumerate(lines) if b'"order_accepted"' in line)
    path.write_bytes(b"".join(lines[: last + 1]) + lines[last + 1][:30])
    desk.restart()
    assert desk.order(result).cancel_reason is CancelReason.ADMIN
    book = desk.exchange.book(desk.market().up_token_id, desk.now)
    assert book is not None
    assert (len(book.bids), len(book.asks)) == (0, 1)


@pytest.mark.parametrize("name", ["clock.json", "origin.json"])
def test_a_damaged_small_file_is_named(tmp_path: Path, name: str) -> None:
    first = open_sandbox(tmp_path, ExchangeConfig(), tape=None, wire_ms=WIRE_START_MS)
    first.ledger.close()
    (tmp_path / name).write_bytes(b"{")
    with pytest.raises(LedgerError, match=f"{name} is damaged"):
        open_sandbox(tmp_path, ExchangeConfig(), tape=None, wire_ms=WIRE_START_MS)
    Ledger.open(tmp_path).close()
