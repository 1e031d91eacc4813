"""`doctor`'s rows about a live fleet's account."""

import pytest

from actors.venue.account_report import Chain, Credentials, WalletType
from actors.venue.port import Unknown
from actors.venue.preflight import problems
from actors.venue.problem import Ours
from cluster.local.account_findings import ROWS, account_findings
from cluster.local.findings import Verdict
from signals.units import MicroUsd
from tests.actors.venue.test_preflight import HELD, NEEDS, ORDER, report


def rows(**fields: object) -> dict[str, Verdict]:
    one = report(**fields)
    found = account_findings(one, problems(one, NEEDS, Ours()))
    assert len({row.what for row in found}) == len(found)
    return {row.what: row.verdict for row in found}


def test_a_good_account_has_a_row_for_each_thing() -> None:
    found = rows()
    assert set(found.values()) == {Verdict.OK}
    assert set(found) == ROWS.keys() - {"not read", "account region"}


@pytest.mark.parametrize(
    ("fields", "what", "verdict"),
    [
        ({"library": "9"}, "venue library", Verdict.FAULT),
        ({"deployed": False}, "wallet", Verdict.FAULT),
        ({"wallet_type": WalletType.SAFE}, "wallet", Verdict.WARNING),
        ({"credentials": Credentials.ABSENT}, "credentials", Verdict.FAULT),
        ({"closed_only": True}, "account", Verdict.FAULT),
        ({"cash_micro_usd": MicroUsd(1)}, "balance", Verdict.FAULT),
        ({"allowance_micro_usd": MicroUsd(1)}, "approvals", Verdict.FAULT),
        ({"open_orders": (ORDER,)}, "open orders", Verdict.FAULT),
        ({"positions": (HELD,)}, "positions", Verdict.FAULT),
        ({"heartbeats": Chain.FRESH}, "heartbeats", Verdict.FAULT),
        ({"positions": Unknown(reason="HTTP 502")}, "not read", Verdict.FAULT),
    ],
)
def test_a_problem_is_a_row_of_its_thing(
    fields: dict[str, object], what: str, verdict: Verdict
) -> None:
    assert rows(**fields)[what] is verdict
