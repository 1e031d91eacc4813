"""Each wrong situation of an account, as the real adapter sees it at the real sandbox: a table.

`pytest -s` prints it: what is wrong, what a person is told, and what to do.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from eth_account import Account as Key
from polymarket._internal.wallet import (
    derive_proxy_wallet_address,
    derive_safe_wallet_address,
)

from actors.config import Venue
from actors.venue.account_report import AccountReport, Chain, Credentials, WalletType
from actors.venue.polymarket import environment, examining
from actors.venue.polymarket.examining import examine, refresh_allowances
from actors.venue.polymarket.opening import Absent, connect, create_credentials
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import Accepted, Beaten, HeartbeatMismatch, Rejected
from actors.venue.preflight import problems
from actors.venue.problem import Code, Needs, Ours, Problem, refused
from signals.decision import Style
from signals.units import MICRO, MicroUsd
from tests.actors.sandbox import TEST_KEY, Sandbox, admin, fault, sandbox
from tests.actors.venue.trading import TIMEOUT_S, current_market, run, signed, until

pytestmark = pytest.mark.exchange

ROWS: list[tuple[str, str, str]] = []
NEEDS = Needs(cash_micro_usd=MicroUsd(50 * MICRO), clock_skew_limit_ms=2_000)
WATCH_S = 0.0
"""Nobody beats here but in the test of that."""


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(
        tmp_path_factory.mktemp("account"), "--without", "unauthorized_in_passing"
    ) as served:
        assert asyncio.run(create_credentials(served.venue())) is Credentials.MADE
        yield served
        print(f"\n{'what is wrong':<34} what a person is told, and what to do")
        for what, says, remedy in ROWS:
            print(f"{what:<34} {says}\n{'':<34}   -> {remedy}")


@pytest.fixture(autouse=True)
def _healthy(exchange: Sandbox) -> Iterator[None]:
    yield
    admin(exchange, "DELETE", "/faults")


def look(venue: Venue, watch_s: float = WATCH_S) -> tuple[AccountReport, tuple[Problem, ...]]:
    report = asyncio.run(examine(venue, TIMEOUT_S, watch_s))
    return report, problems(report, NEEDS, Ours())


def told(what: str, venue: Venue, *codes: Code) -> tuple[Problem, ...]:
    """Check which problems are found, and keep them for the table."""
    _, found = look(venue)
    ROWS.extend((what, problem.says, problem.remedy) for problem in found)
    assert tuple(problem.code for problem in found) == codes, found
    return found


def key_file(folder: Path, key: str) -> str:
    path = folder / "other-key"
    path.write_text(key)
    path.chmod(0o600)
    return str(path)


def test_nothing_is_wrong_with_a_good_account_and_nothing_is_changed_at_the_venue(
    exchange: Sandbox,
) -> None:
    before = admin(exchange, "GET", "/state")
    report, found = look(exchange.venue())
    assert found == ()
    assert report.wallet_type is WalletType.DEPOSIT
    assert report.credentials is Credentials.DERIVED
    assert report.cash_micro_usd == 10_000 * MICRO
    assert report.heartbeats is Chain.QUIET
    after = admin(exchange, "GET", "/state")
    assert after["accounts"] == before["accounts"]
    asked = {k: n - before["asked"].get(k, 0) for k, n in after["asked"].items()}
    assert {k for k, n in asked.items() if n} == {"POST /clob/v1/heartbeats"}, asked


def test_a_key_that_nobody_made_credentials_for(exchange: Sandbox, tmp_path: Path) -> None:
    other = msgspec.structs.replace(
        exchange.venue(), private_key_file=key_file(tmp_path, "22" * 32)
    )
    before = len(admin(exchange, "GET", "/state")["accounts"])
    told("wrong key", other, Code.NO_CREDENTIALS)
    assert isinstance(asyncio.run(connect(other, TIMEOUT_S)), Rejected)
    assert len(admin(exchange, "GET", "/state")["accounts"]) == before, "none were made"


@pytest.mark.parametrize(
    ("what", "text", "mode"),
    [
        ("key: damaged file", "12" * 31, 0o600),
        ("key: others may read the file", "11" * 32, 0o644),
    ],
)
def test_a_key_that_cannot_be_used(
    exchange: Sandbox, tmp_path: Path, what: str, text: str, mode: int
) -> None:
    path = Path(key_file(tmp_path, text))
    path.chmod(mode)
    venue = msgspec.structs.replace(exchange.venue(), private_key_file=str(path))
    told(what, venue, Code.KEY)


@pytest.mark.parametrize(
    ("what", "wallet", "code"),
    [
        ("wallet of another key", "0x" + "Ab" * 20, Code.WALLET_OF_ANOTHER_KEY),
        ("wallet: no address", "0x12", Code.WALLET_ADDRESS),
    ],
)
def test_a_wallet_that_is_not_the_keys(
    exchange: Sandbox, what: str, wallet: str, code: Code
) -> None:
    told(what, msgspec.structs.replace(exchange.venue(), wallet=wallet), code)


@pytest.mark.parametrize(
    ("what", "kind", "code"),
    [
        ("undeployed wallet", "not_deployed", Code.WALLET_NOT_DEPLOYED),
        ("missing approvals", "no_approval", Code.APPROVAL_MISSING),
        ("allowance not yet seen", "stale_allowance", Code.ALLOWANCE_STALE),
        ("closed-only account", "closed_only", Code.CLOSED_ONLY),
        ("blocked region", "region_blocked", Code.REGION),
    ],
)
def test_an_account_that_may_not_trade(exchange: Sandbox, what: str, kind: str, code: Code) -> None:
    fault(exchange, kind)
    assert refused(told(what, exchange.venue(), code))


def test_an_allowance_that_the_exchange_remembers_wrongly_is_refreshed_on_demand(
    exchange: Sandbox,
) -> None:
    fault(exchange, "stale_allowance")
    assert asyncio.run(refresh_allowances(exchange.venue(), TIMEOUT_S)) is None
    assert look(exchange.venue())[1] == ()


@pytest.mark.parametrize(
    ("what", "body", "code"),
    [
        ("unknown protocol version", '{"version":"9"}', Code.VERSION),
        ("version: not an answer", "<html>", Code.VERSION),
    ],
)
def test_a_venue_that_speaks_another_protocol(
    exchange: Sandbox, what: str, body: str, code: Code
) -> None:
    fault(exchange, "malformed", "GET /clob/version", body=body)
    told(what, exchange.venue(), code)


@pytest.mark.parametrize("skew_ms", [-45_000, 4_500])
def test_a_clock_that_is_off(exchange: Sandbox, skew_ms: int) -> None:
    fault(exchange, "clock_skew", delay_ms=skew_ms)
    told(f"clock off by {-skew_ms / 1_000:+.1f} s", exchange.venue(), Code.CLOCK)


def test_a_library_of_another_version(exchange: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "CHECKED_SDK_VERSION", "0.99.0")
    told("SDK of another version", exchange.venue(), Code.LIBRARY)


@pytest.mark.parametrize(
    ("route", "what"),
    [
        ("GET /clob/balance-allowance", "balance not told"),
        ("GET /clob/data/orders", "open orders not told"),
        ("GET /data/v2/positions", "positions not told"),
        ("GET /data/v2/approvals", "approvals not told"),
        ("GET /clob/auth/ban-status/closed-only", "closed-only not told"),
        ("GET /clob/auth/derive-api-key", "credentials not told"),
        ("GET /clob/version", "version not told"),
        ("GET /clob/time", "time not told"),
        ("POST /clob/v1/heartbeats", "heartbeats not told"),
    ],
)
def test_what_the_venue_does_not_tell_refuses_the_start(
    exchange: Sandbox, route: str, what: str
) -> None:
    fault(exchange, "status", route, status=502)
    found = told(what, exchange.venue(), Code.NOT_READ)
    assert refused(found)


def test_another_engines_orders_and_positions(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        market = await current_market(exchange)
        resting = await signed(venue, market, Style.REST, 10_000)
        assert isinstance(await venue.post(resting), Accepted)
        taken = await signed(venue, market, Style.TAKE, 990_000, 5 * MICRO)
        assert isinstance(await venue.post(taken), Accepted)

        async def held() -> bool:
            report = await examine(exchange.venue(), TIMEOUT_S, 0.0)
            return isinstance(report.positions, tuple) and bool(report.positions)

        await until(held)
        report = await examine(exchange.venue(), TIMEOUT_S, 0.0)
        found = problems(report, NEEDS, Ours())
        assert [p.code for p in found] == [Code.FOREIGN_ORDERS, Code.FOREIGN_POSITIONS], found
        ROWS.extend(("another engine's", p.says, p.remedy) for p in found)
        assert isinstance(report.positions, tuple)
        ours = Ours(
            order_ids=frozenset({resting.order_id}),
            shares={one.token_id: one.shares for one in report.positions},
        )
        assert problems(report, NEEDS, ours) == ()
        await venue.cancel_all()

    run(exchange, use)


def test_two_machines_with_one_wallet_are_seen_by_the_chain_of_heartbeats(
    exchange: Sandbox,
) -> None:
    async def use(venue: PolymarketVenue) -> None:
        async def beat() -> None:
            name = ""
            while True:
                outcome = await venue.heartbeat(name)
                assert isinstance(outcome, Beaten | HeartbeatMismatch)
                name = outcome.heartbeat_id
                await asyncio.sleep(0.2)

        elsewhere = asyncio.create_task(beat())
        report = await examine(exchange.venue(), TIMEOUT_S, 60.0)
        elsewhere.cancel()
        assert report.heartbeats is Chain.FRESH
        found = problems(report, NEEDS, Ours())
        assert Code.FOREIGN_HEARTBEATS in {problem.code for problem in found}
        row = next(one for one in found if one.code is Code.FOREIGN_HEARTBEATS)
        ROWS.append(("two machines, one wallet", row.says, row.remedy))
        assert Code.FOREIGN_HEARTBEATS not in {
            problem.code for problem in problems(report, NEEDS, Ours(beats=True))
        }

    run(exchange, use)


def test_revoked_credentials(exchange: Sandbox, tmp_path: Path) -> None:
    key = key_file(tmp_path, "33" * 32)
    venue = msgspec.structs.replace(exchange.venue(), private_key_file=key)

    async def use() -> None:
        account = await connect(venue, TIMEOUT_S, Absent.MAKE)
        assert isinstance(account, PolymarketVenue)
        await account._client.delete_api_key()
        outcome = await account.cancel_all()
        assert isinstance(outcome, Rejected)
        assert outcome.code == "unauthorized"
        await account.close()

    asyncio.run(use())
    told("credentials revoked", venue, Code.NO_CREDENTIALS)


def test_credentials_that_are_refused_again_and_again(exchange: Sandbox) -> None:
    fault(exchange, "status", "GET /clob/auth/api-keys", status=401, body='{"error":"x"}')
    told("credentials refused", exchange.venue(), Code.CREDENTIALS_REFUSED)


@pytest.mark.parametrize("kind", [WalletType.BARE_KEY, WalletType.PROXY, WalletType.SAFE])
def test_an_older_wallet_is_recognised_and_said(exchange: Sandbox, kind: WalletType) -> None:
    wallet = wallets(exchange.venue())[kind]
    report, found = look(msgspec.structs.replace(exchange.venue(), wallet=wallet))
    assert report.wallet_type is kind
    assert Code.WALLET_OLDER_TYPE in {problem.code for problem in found}


def wallets(venue: Venue) -> dict[WalletType, str]:
    """Return the test key's wallets of the older types."""
    signer = Key.from_key(f"0x{TEST_KEY}").address
    derivation = environment.contracts(venue).wallet_derivation
    return {
        WalletType.BARE_KEY: signer,
        WalletType.PROXY: derive_proxy_wallet_address(signer, derivation),
        WalletType.SAFE: derive_safe_wallet_address(signer, derivation),
    }


def test_too_little_and_nothing_in_the_wallet(exchange: Sandbox, tmp_path: Path) -> None:
    """The last one: it empties the other accounts too."""
    key = key_file(tmp_path, "44" * 32)
    venue = msgspec.structs.replace(exchange.venue(), private_key_file=key)
    assert asyncio.run(create_credentials(venue)) is Credentials.MADE
    assert asyncio.run(create_credentials(venue)) is Credentials.DERIVED, "none were made twice"
    fault(exchange, "withdrawal", amount_micro_usd=9_990 * MICRO)
    told("less than the slots may use", venue, Code.BALANCE_LOW)
    fault(exchange, "withdrawal")
    told("empty wallet", venue, Code.WALLET_EMPTY)
