"""The cancel that a halt sends before all else, against the real sandbox and its own checks."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from coincurve import PrivateKey
from eth_account import Account
from msgspec.structs import replace

from actors.venue.polymarket.first_cancel import address_of, first_cancel
from actors.venue.port import Cancelled, Unknown
from tests.actors.sandbox import Sandbox, admin, fault, sandbox
from tests.cluster.halting.halted import open_at_the_venue, rest

TIMEOUT_S = 60.0
CONNECTION_REFUSED = "http://127.0.0.1:9"


@pytest.mark.parametrize("number", [1, 2, 0xDEADBEEF, 2**255 - 19])
def test_an_address_is_the_one_that_the_venues_library_makes(number: int) -> None:
    key = number.to_bytes(32, "big")
    assert address_of(PrivateKey(key)) == Account.from_key(key).address


def test_it_loads_neither_the_sdk_nor_anything_else_that_is_slow() -> None:
    code = "import sys, actors.venue.connect, actors.venue.polymarket.first_cancel as _; "
    code += "print(sorted({'polymarket', 'eth_account', 'httpx', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("first")
    with sandbox(folder, "--more-timeframes", "4h", speed=1) as started:
        yield started


@pytest.fixture(autouse=True)
def _no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "exchange" in request.fixturenames:
        admin(request.getfixturevalue("exchange"), "DELETE", "/faults")


@pytest.mark.exchange
def test_it_cancels_all_that_rests(exchange: Sandbox) -> None:
    ids = set(rest(exchange, 3))
    got = first_cancel(exchange.venue(), TIMEOUT_S)
    assert isinstance(got, Cancelled), got
    assert set(got.cancelled) == ids
    assert not open_at_the_venue(exchange)


@pytest.mark.exchange
@pytest.mark.parametrize("route", ["GET /clob/auth/derive-api-key", "DELETE /clob/cancel-all"])
def test_a_401_in_passing_is_asked_again(exchange: Sandbox, route: str) -> None:
    rest(exchange, 1)
    fault(exchange, "status", route, status=401, count=2)
    assert isinstance(first_cancel(exchange.venue(), TIMEOUT_S), Cancelled)
    assert not open_at_the_venue(exchange)


@pytest.mark.exchange
@pytest.mark.parametrize("skew_ms", [-590_000, 590_000])
def test_a_machine_whose_clock_is_wrong_cancels_all_the_same(
    exchange: Sandbox, skew_ms: int
) -> None:
    rest(exchange, 1)
    fault(exchange, "clock_skew", delay_ms=skew_ms)
    assert isinstance(first_cancel(exchange.venue(), TIMEOUT_S), Cancelled)
    assert not open_at_the_venue(exchange)


@pytest.mark.exchange
@pytest.mark.parametrize(
    "what",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 403, "body": "error code: 1010"},
        {"kind": "drop_answer"},
        {"kind": "malformed"},
        {"kind": "malformed", "body": "null"},
        {"kind": "malformed", "body": "[]"},
        {"kind": "malformed", "body": '{"canceled": 5, "not_canceled": []}'},
    ],
)
def test_an_answer_that_says_nothing_is_unknown(exchange: Sandbox, what: dict[str, object]) -> None:
    rest(exchange, 1)
    fault(exchange, str(what["kind"]), "DELETE *", **{k: v for k, v in what.items() if k != "kind"})
    got = first_cancel(exchange.venue(), TIMEOUT_S)
    assert isinstance(got, Unknown)
    admin(exchange, "DELETE", "/faults")
    assert isinstance(first_cancel(exchange.venue(), TIMEOUT_S), Cancelled)


@pytest.mark.exchange
def test_a_key_that_the_venue_does_not_know_and_a_venue_that_is_away_are_unknown(
    exchange: Sandbox,
) -> None:
    venue = exchange.venue()
    key = exchange.folder / "another"
    key.write_text("33" * 32)
    key.chmod(0o600)
    assert isinstance(first_cancel(replace(venue, private_key_file=str(key)), TIMEOUT_S), Unknown)
    away = replace(venue, clob_url=CONNECTION_REFUSED)
    assert isinstance(first_cancel(away, TIMEOUT_S), Unknown)
