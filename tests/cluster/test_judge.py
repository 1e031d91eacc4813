import msgspec

from signals.market import CYCLE_MS, Slot
from tests.judge import differences, due_points
from tests.judge_journal import FillSide, JournalSide, OrderSide
from tests.judge_ledger import LedgerSide, Terms, VenueFill, VenueSettled, cash_of

UP = Terms(outcome="Up", side="BUY", price=420_000, shares=5_500_000, fee_micro_usd=90_000)
LATER = 1_000_000


def both() -> tuple[JournalSide, LedgerSide]:
    journal = JournalSide(last_wire_ms=LATER)
    journal.orders["0x1"] = OrderSide(
        order_id="0x1", intent_id="i", slot="btc-5m", signed_wire_ms=5, opened=True
    )
    journal.fills["t/0x1"] = FillSide(condition_id="c", terms=UP)
    journal.fill_rows.append("t/0x1")
    journal.settled["c"] = "Up"
    venue = LedgerSide(orders={"0x1": 6})
    venue.fills["t/0x1"] = VenueFill(
        trade_id="t", condition_id="c", terms=UP, wire_ms=7, moved_wire_ms=7
    )
    venue.settled["c"] = VenueSettled(winner="Up", wire_ms=9, paid_micro_usd=5_500_000)
    return journal, venue


def test_cash_is_exact_and_a_fraction_is_rounded_as_the_ledger_does() -> None:
    assert cash_of(UP, "Up") == 5_500_000 - 2_310_000 - 90_000
    assert cash_of(UP, "Down") == -2_400_000
    dust = Terms(outcome="Up", side="BUY", price=333_333, shares=1, fee_micro_usd=0)
    assert cash_of(dust, "Down") == 0
    assert cash_of(msgspec.structs.replace(dust, outcome="Down"), "Up") == -1
    sold = Terms(outcome="Up", side="SELL", price=333_333, shares=1, fee_micro_usd=0)
    assert cash_of(sold, "Down") == 0


def test_equal_books_differ_in_nothing() -> None:
    assert list(differences(*both())) == []


def test_each_loss_repetition_and_change_is_found() -> None:
    journal, venue = both()
    del journal.orders["0x1"]
    assert any("order 0x1" in text for text in differences(journal, venue))
    journal, venue = both()
    del journal.fills["t/0x1"]
    assert any("fill t/0x1: at the venue" in text for text in differences(journal, venue))
    journal, venue = both()
    journal.fill_rows.append("t/0x1")
    assert any("applied 2 times" in text for text in differences(journal, venue))
    journal, venue = both()
    journal.settled["c"] = "Down"
    assert any("different winners" in text for text in differences(journal, venue))
    journal, venue = both()
    venue.fills["t/0x1"].failed = True
    assert any("failed by venue" in text for text in differences(journal, venue))
    journal, venue = both()
    second = journal.orders["0x1"]
    journal.orders["0x2"] = OrderSide(
        order_id="0x2", intent_id=second.intent_id, slot="btc-5m", signed_wire_ms=5
    )
    assert any("intent i: 2 orders" in text for text in differences(journal, venue))


def test_what_just_happened_at_the_venue_is_no_difference_yet() -> None:
    journal, venue = both()
    del journal.fills["t/0x1"], journal.settled["c"]
    venue.fills["t/0x1"].wire_ms = LATER
    venue.settled["c"] = VenueSettled(winner="Up", wire_ms=LATER, paid_micro_usd=5_500_000)
    assert list(differences(journal, venue)) == []


def test_points_are_due_from_the_first_claim_to_the_stop_also_over_a_crash() -> None:
    slot = Slot.parse("btc-5m")
    journal = JournalSide(last_market_ms=6 * CYCLE_MS)
    journal.claims["btc-5m"] = [1_000, 2 * CYCLE_MS]  # the second after a crash
    due = [point for point, _ in due_points(journal, slot, (20_000,))]
    assert due == [20_000 + n * CYCLE_MS for n in range(6)]
    journal.stops["btc-5m"] = [CYCLE_MS]
    due = [point for point, _ in due_points(journal, slot, (20_000,))]
    assert due == [20_000, *(20_000 + n * CYCLE_MS for n in range(2, 6))]


def points(journal: JournalSide, slot: str, start_ms: int = 0) -> list[int]:
    return [point for point, _ in due_points(journal, Slot.parse(slot), (20_000,), start_ms)]


def two_slots(**times: int) -> JournalSide:
    """btc-5m claims at the start and has rows up to six cycles later."""
    journal = JournalSide(last_market_ms=6 * CYCLE_MS, row_times={1_000, 6 * CYCLE_MS})
    journal.claims["btc-5m"] = [1_000]
    if "claim" in times:
        journal.claims["eth-5m"] = [times["claim"]]
        journal.row_times.add(times["claim"])
    return journal


ALL = [20_000 + n * CYCLE_MS for n in range(6)]


def test_a_slot_without_rows_owes_every_point_of_the_run() -> None:
    assert points(two_slots(), "eth-5m") == ALL


def test_a_slot_that_goes_dark_owes_up_to_the_last_row_of_the_fleet() -> None:
    assert points(two_slots(claim=2_000), "eth-5m") == ALL


def test_a_slot_that_came_up_late_owes_from_the_start_of_the_run_and_a_starting_one_does_not() -> (
    None
):
    late = two_slots(claim=2 * CYCLE_MS)
    assert points(late, "eth-5m", CYCLE_MS) == ALL
    assert points(late, "eth-5m", 3 * CYCLE_MS) == ALL[2:]


def test_a_slot_that_never_came_back_after_an_ordered_stop_owes_the_whole_second_run() -> None:
    journal = two_slots(claim=2_000)
    journal.stops = {"btc-5m": [CYCLE_MS], "eth-5m": [CYCLE_MS + 5]}
    journal.row_times |= {CYCLE_MS, CYCLE_MS + 5}
    journal.claims["btc-5m"].append(3 * CYCLE_MS)
    journal.row_times.add(3 * CYCLE_MS)
    assert points(journal, "eth-5m") == [ALL[0], *ALL[3:]]
    assert points(journal, "btc-5m") == [ALL[0], *ALL[3:]]


def test_one_dark_slot_is_not_excused_by_the_stop_of_the_others() -> None:
    journal = two_slots(claim=2_000)
    journal.stops = {"btc-5m": [5 * CYCLE_MS]}
    assert points(journal, "eth-5m") == ALL
    assert points(journal, "btc-5m") == ALL[:5]


def test_one_slot_stopped_alone_and_started_again_excuses_no_other() -> None:
    journal = two_slots(claim=2_000)
    journal.stops = {"eth-5m": [CYCLE_MS]}
    journal.claims["eth-5m"].append(3 * CYCLE_MS)
    journal.row_times |= {n * CYCLE_MS + 21_000 for n in range(6)} | {3 * CYCLE_MS}
    assert points(journal, "btc-5m") == ALL
    assert points(journal, "eth-5m") == [ALL[0], *ALL[3:]]
