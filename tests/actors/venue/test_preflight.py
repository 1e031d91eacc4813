"""What is wrong with an account: one problem, one sentence and one remedy for each situation."""

import msgspec
import pytest

from actors.venue.account_report import (
    AccountReport,
    Approval,
    Chain,
    Clock,
    Credentials,
    HeldPosition,
    Region,
    WalletType,
)
from actors.venue.port import Unknown, VenueOrder
from actors.venue.preflight import problems
from actors.venue.problem import Code, Needs, Ours, Problem, refused
from signals.market import Side
from signals.units import MICRO, MicroShares, MicroUsd, PriceMicroUsd

NEEDS = Needs(cash_micro_usd=MicroUsd(50 * MICRO), clock_skew_limit_ms=2_000)
ORDER = VenueOrder(
    order_id="0xabc",
    condition_id="0xc0",
    token_id="71",
    side=Side.BUY,
    price=PriceMicroUsd(480_000),
    shares=MicroShares(5 * MICRO),
    filled_shares=MicroShares(0),
    status="LIVE",
    created_wire_ms=0,
)
HELD = HeldPosition(
    token_id="71", condition_id="0xc0", shares=MicroShares(7 * MICRO), market="btc-updown-5m-1"
)


def approval(granted: bool = True, **fields: object) -> Approval:  # noqa: FBT001, FBT002 a fact
    one = Approval(
        needed_for="buying", token="pUSD", spender="0xe1", micro_usd=None, granted=granted
    )
    return msgspec.structs.replace(one, **fields)


def report(**fields: object) -> AccountReport:
    """An account with which nothing is wrong, but for these fields."""
    good = AccountReport(
        library="1.0",
        library_known="1.0",
        signer="0x5e",
        wallet="0x3a",
        wallet_type=WalletType.DEPOSIT,
        deployed=True,
        version="2",
        version_known="2",
        clock=Clock(ahead_ms=300, round_trip_ms=40),
        region=Region(blocked=False, country="PT"),
        credentials=Credentials.DERIVED,
        closed_only=False,
        cash_micro_usd=MicroUsd(60 * MICRO),
        allowance_micro_usd=MicroUsd(1 << 62),
        approvals=(approval(),),
        open_orders=(),
        positions=(),
        heartbeats=Chain.QUIET,
    )
    return msgspec.structs.replace(good, **fields)


def found(ours: Ours | None = None, **fields: object) -> tuple[Problem, ...]:
    return problems(report(**fields), NEEDS, ours or Ours())


def codes(ours: Ours | None = None, **fields: object) -> list[Code]:
    return [problem.code for problem in found(ours, **fields)]


def test_nothing_is_wrong_with_a_good_account() -> None:
    assert found() == ()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"key_problem": "venue.private_key_file: mode is 0644"}, Code.KEY),
        ({"library": "1.1"}, Code.LIBRARY),
        ({"wallet_problem": "12 hex digits"}, Code.WALLET_ADDRESS),
        ({"wallet_type": WalletType.FOREIGN}, Code.WALLET_OF_ANOTHER_KEY),
        ({"deployed": False}, Code.WALLET_NOT_DEPLOYED),
        ({"version": "3"}, Code.VERSION),
        ({"version": "HTTP 404"}, Code.VERSION),
        ({"clock": Clock(ahead_ms=2_100, round_trip_ms=100)}, Code.CLOCK),
        ({"clock": Clock(ahead_ms=-90_000, round_trip_ms=100)}, Code.CLOCK),
        ({"region": Region(blocked=True, country="US")}, Code.REGION),
        ({"credentials": Credentials.ABSENT}, Code.NO_CREDENTIALS),
        ({"credentials": Credentials.REFUSED}, Code.CREDENTIALS_REFUSED),
        ({"closed_only": True}, Code.CLOSED_ONLY),
        ({"cash_micro_usd": MicroUsd(0)}, Code.WALLET_EMPTY),
        ({"cash_micro_usd": MicroUsd(49 * MICRO)}, Code.BALANCE_LOW),
        ({"approvals": (approval(granted=False),)}, Code.APPROVAL_MISSING),
        ({"approvals": (approval(micro_usd=MicroUsd(MICRO)),)}, Code.APPROVAL_MISSING),
        ({"allowance_micro_usd": MicroUsd(0)}, Code.ALLOWANCE_STALE),
        ({"open_orders": (ORDER,)}, Code.FOREIGN_ORDERS),
        ({"positions": (HELD,)}, Code.FOREIGN_POSITIONS),
        ({"heartbeats": Chain.FRESH}, Code.FOREIGN_HEARTBEATS),
    ],
)
def test_each_wrong_situation_is_one_problem_that_refuses_the_start(
    fields: dict[str, object], code: Code
) -> None:
    told = found(**fields)
    assert [problem.code for problem in told] == [code]
    assert refused(told)
    assert told[0].says.endswith(".")
    assert told[0].remedy.endswith(".")


@pytest.mark.parametrize(
    "field",
    [
        "version",
        "clock",
        "deployed",
        "credentials",
        "closed_only",
        "cash_micro_usd",
        "allowance_micro_usd",
        "approvals",
        "open_orders",
        "positions",
        "heartbeats",
    ],
)
def test_what_could_not_be_read_refuses_the_start(field: str) -> None:
    told = found(**{field: Unknown(reason="HTTP 502")})
    assert [problem.code for problem in told] == [Code.NOT_READ]
    assert refused(told)


def test_a_region_that_could_not_be_read_is_said_and_refuses_nothing() -> None:
    told = found(region=Unknown(reason="timeout"))
    assert [problem.code for problem in told] == [Code.NOT_READ]
    assert not refused(told)


@pytest.mark.parametrize("kind", [WalletType.BARE_KEY, WalletType.PROXY, WalletType.SAFE])
def test_an_older_wallet_type_is_said_and_may_start(kind: WalletType) -> None:
    told = found(wallet_type=kind)
    assert [problem.code for problem in told] == [Code.WALLET_OLDER_TYPE]
    assert not refused(told)


def test_what_only_some_markets_need_refuses_nothing() -> None:
    told = found(approvals=(approval(), approval(granted=False, required=False)))
    assert [problem.code for problem in told] == [Code.APPROVAL_MISSING]
    assert not refused(told)


def test_a_missing_approval_is_not_told_twice_as_a_stale_allowance() -> None:
    told = codes(approvals=(approval(granted=False),), allowance_micro_usd=MicroUsd(0))
    assert told == [Code.APPROVAL_MISSING]


def test_a_slow_answer_says_nothing_of_the_clock() -> None:
    assert codes(clock=Clock(ahead_ms=3_000, round_trip_ms=4_000)) == []
    assert codes(clock=Clock(ahead_ms=0, round_trip_ms=6_000)) == [Code.NOT_READ]


def test_what_the_fleet_knows_as_its_own_is_no_problem() -> None:
    ours = Ours(order_ids=frozenset({"0xabc"}), shares={"71": MicroShares(7 * MICRO)}, beats=True)
    assert codes(ours, open_orders=(ORDER,), positions=(HELD,), heartbeats=Chain.FRESH) == []


def test_more_shares_than_the_fleet_knows_are_of_somebody_else() -> None:
    ours = Ours(shares={"71": MicroShares(5 * MICRO)})
    assert codes(ours, positions=(HELD,)) == [Code.FOREIGN_POSITIONS]


def test_many_foreign_orders_are_counted_and_some_are_named() -> None:
    many = tuple(msgspec.structs.replace(ORDER, order_id=f"0x{n}") for n in range(9))
    told = found(open_orders=many)
    assert told[0].says.startswith("9 open orders")
    assert "and 6 more" in told[0].says


def test_a_key_that_cannot_be_used_is_the_only_thing_that_is_said() -> None:
    nothing = AccountReport(library="1.0", library_known="1.0", key_problem="no trading key")
    assert [problem.code for problem in problems(nothing, NEEDS, Ours())] == [Code.KEY]
