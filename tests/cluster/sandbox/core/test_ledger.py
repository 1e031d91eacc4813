"""The ledger on disk: whole lines, torn tails, damage."""

from pathlib import Path

import pytest

from cluster.sandbox.ledger import FILE_NAME, Ledger, LedgerError, read_entries
from cluster.sandbox.model import MICRO, CancelReason, Now, Outcome, TradeStatus
from cluster.sandbox.reading import LedgerReading
from cluster.sandbox.records import ModeChanged
from tests.cluster.sandbox.core.small_exchange import ALICE, BOB, SmallExchange


def fill(folder: Path, count: int) -> Path:
    ledger = Ledger.open(folder)
    for number in range(count):
        ledger.append(ModeChanged(mode=f"mode {number}"), Now(number, number))
    ledger.close()
    return folder / FILE_NAME


def test_what_was_appended_is_read_back_in_order(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    entries = read_entries(tmp_path)
    assert [entry.sequence for entry in entries] == [1, 2, 3]
    assert entries[2].record == ModeChanged(mode="mode 2")


def test_every_torn_tail_loses_only_the_last_entry(tmp_path: Path) -> None:
    path = fill(tmp_path, 3)
    whole = path.read_bytes()
    second_end = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    for length in range(second_end + 1, len(whole)):
        path.write_bytes(whole[:length])
        ledger = Ledger.open(tmp_path)
        assert len(ledger.recovered) == 2
        assert ledger.torn_bytes == length - second_end
        ledger.append(ModeChanged(mode="again"), Now(9, 9))
        ledger.close()
        assert [e.sequence for e in read_entries(tmp_path)] == [1, 2, 3]


def test_damage_before_the_tail_is_never_skipped(tmp_path: Path) -> None:
    path = fill(tmp_path, 3)
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    with pytest.raises(LedgerError, match="damaged after entry 0"):
        read_entries(tmp_path)


def test_a_missing_line_is_noticed(tmp_path: Path) -> None:
    path = fill(tmp_path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(LedgerError, match="lacks entry 2"):
        read_entries(tmp_path)


def test_a_reader_sees_what_a_running_sandbox_wrote(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path)
    result = desk.buy(ALICE, 40, 10)
    reading = LedgerReading.of(tmp_path)
    assert [o.order_id for o in reading.orders(ALICE)] == [result.order_id]


def test_the_judge_reads_fills_cancels_and_refusals(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path)
    desk.exchange.fail_trades(1)
    desk.buy(ALICE, 50, 10)
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    desk.buy(ALICE, 40, 10)
    desk.step(800)
    desk.mint(20)
    kept = desk.buy(ALICE, 41, 10)
    desk.exchange.cancel(ALICE, (kept.order_id,), desk.now)
    desk.buy(ALICE, 41, 1)
    reading = LedgerReading.of(tmp_path)
    assert [(f.status, f.counts) for f in reading.fills(ALICE)] == [
        (TradeStatus.FAILED, False),
        (TradeStatus.MINED, True),
    ]
    assert [f.maker for f in reading.fills(BOB)] == [False, False]
    assert [c.reason for c in reading.cancels(ALICE)] == [CancelReason.USER]
    assert len(reading.refusals(ALICE)) == 1
    assert reading.positions(ALICE) == {desk.market().up_token_id: 20 * MICRO}
    assert reading.accounts() == (ALICE, BOB)
    assert reading.digest() == desk.exchange.digest()
