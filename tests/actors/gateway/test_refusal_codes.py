"""Every code that a refused order can carry has a row, and every row can be given."""

from actors.detectors.registry import advice_of
from actors.gateway.refusal_codes import CODES, OURS, UNSIGNED, VENUE, advice
from actors.gateway.risk import BOOK_TABLE, MARKET_TABLE, TABLE
from actors.venue.reject_codes import REJECT_CODES


def test_every_rule_of_the_gateway_has_its_row_in_the_order_of_the_rules() -> None:
    rules = [code for code, _ in (*TABLE, *MARKET_TABLE, *BOOK_TABLE)]
    assert [row.code for row in OURS] == list(dict.fromkeys(rules))


def test_every_code_of_the_venue_has_its_row() -> None:
    known = {row.code for row in (*OURS, *VENUE)}
    assert known >= REJECT_CODES, "a code of the venue without advice"
    assert {row.code for row in VENUE} - REJECT_CODES == {"market_unknown"}
    assert {row.code for row in UNSIGNED} == {
        f"unsignable_{code}" for code in ("input", "signing", "timeout", "metadata")
    }


def test_a_row_is_two_sentences() -> None:
    for row in CODES.values():
        assert row.means.endswith("."), row
        assert row.remedy.endswith(("?", ".")), row
        assert advice(row.code) == f"{row.means} {row.remedy}"
    assert advice("code_of_tomorrow") == ""
    assert "doctor" in advice_of("orders_refused"), "what is said for a code that is not known"
