"""Claims in what people read: redeemed money is cash, the rest is to be redeemed."""

from pathlib import Path

from actors.redemption.log import encode, open_log
from cluster.audit.winnings import winnings_line, winnings_of
from tests.actors.redemption.test_log import CLAIM, PAID


def test_a_fleet_that_redeems_nothing_says_nothing(tmp_path: Path) -> None:
    assert winnings_of(tmp_path) is None


def test_open_claims_and_what_came_are_told_apart(tmp_path: Path) -> None:
    log, _ = open_log(tmp_path)
    log.append(encode([CLAIM, PAID]))
    log.close()
    found = winnings_of(tmp_path)
    assert found is not None
    assert (found.claims, found.claims_micro_usd, found.redeemed_micro_usd) == (
        1,
        5_000_000,
        5_000_000,
    )
    assert winnings_line(found) == "redeemed 5.00 USD; to be redeemed 5.00 USD of 1 market"


def test_a_damaged_log_is_said_and_not_taken_for_nothing(tmp_path: Path) -> None:
    log, _ = open_log(tmp_path)
    log.append(encode([CLAIM]))
    log.close()
    file = next((tmp_path / "redemption" / "log").glob("*.log"))
    file.write_bytes(b"\0" * 20)
    found = winnings_of(tmp_path)
    assert found is not None
    assert found.problem in winnings_line(found)
