"""Who is let in: L1 logins, L2 requests, sockets; and that keys outlive a restart."""

import stat
from pathlib import Path

import msgspec
import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from cluster.sandbox.auth import (
    STAMP_AGE_S_MAX,
    STAMP_AHEAD_S_MAX,
    AccountFile,
    Accounts,
    Refusal,
    check_login,
    sign_request,
)
from cluster.sandbox.auth import Account as ApiAccount
from cluster.sandbox.signing import CHAIN_ID

NOW_MS = 1_795_357_000_000
STAMP = str(NOW_MS // 1000)
SIGNER = Account.from_key("0x" + "33" * 32)
BODY = b'{"orderID":"0xab"}'


def login_headers(**changes: str) -> dict[str, str]:
    return signed_login(SIGNER, STAMP) | changes


def signed_login(signer: LocalAccount, stamp: str) -> dict[str, str]:
    message = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
            ],
            "ClobAuth": [
                {"name": "address", "type": "address"},
                {"name": "timestamp", "type": "string"},
                {"name": "nonce", "type": "uint256"},
                {"name": "message", "type": "string"},
            ],
        },
        "primaryType": "ClobAuth",
        "domain": {"name": "ClobAuthDomain", "version": "1", "chainId": CHAIN_ID},
        "message": {
            "address": signer.address,
            "timestamp": stamp,
            "nonce": 0,
            "message": "This message attests that I control the given wallet",
        },
    }
    signature = signer.sign_typed_data(full_message=message).signature.hex()
    return {
        "poly_address": signer.address,
        "poly_timestamp": stamp,
        "poly_nonce": "0",
        "poly_signature": "0x" + signature,
    }


def issued(accounts: Accounts, nonce: int = 0) -> ApiAccount:
    account = accounts.create(SIGNER.address, nonce)
    assert isinstance(account, ApiAccount)
    return account


def request_headers(account: ApiAccount, **changes: str) -> dict[str, str]:
    message = f"{STAMP}DELETE/order".encode() + BODY
    headers = {
        "poly_address": SIGNER.address,
        "poly_api_key": account.api_key,
        "poly_passphrase": account.passphrase,
        "poly_timestamp": STAMP,
        "poly_signature": sign_request(account.secret, message),
    }
    return headers | changes


def test_a_signed_login_proves_its_address() -> None:
    assert check_login(login_headers(), NOW_MS) == (SIGNER.address.lower(), 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"poly_address": "0x" + "12" * 20},
        {"poly_nonce": "1"},
        {"poly_nonce": "-1"},
        {"poly_timestamp": str(int(STAMP) + 1)},
        {"poly_timestamp": "yesterday"},
        {"poly_signature": "0x00"},
        {"poly_signature": ""},
    ],
)
def test_a_login_with_any_part_changed_is_refused(changes: dict[str, str]) -> None:
    outcome = check_login(login_headers(**changes), NOW_MS)
    assert isinstance(outcome, Refusal)
    assert outcome.status == 401


@pytest.mark.parametrize(("side", "most_s"), [(-1, STAMP_AHEAD_S_MAX), (1, STAMP_AGE_S_MAX)])
def test_a_stamp_too_far_from_the_exchange_clock_is_refused(side: int, most_s: int) -> None:
    edge_ms = NOW_MS + side * most_s * 1000
    assert not isinstance(check_login(login_headers(), edge_ms), Refusal)
    beyond_ms = edge_ms + side * 1000
    assert isinstance(check_login(login_headers(), beyond_ms), Refusal)
    accounts = Accounts(seed=1)
    account = issued(accounts)
    refused = accounts.authorize(request_headers(account), "DELETE", "/order", BODY, beyond_ms)
    assert refused == Refusal(status=401, error="Invalid timestamp")


def test_a_second_key_for_the_same_login_must_be_derived() -> None:
    accounts = Accounts(seed=1)
    first = issued(accounts)
    again = accounts.create(SIGNER.address.lower(), 0)
    assert isinstance(again, Refusal)
    assert again.status == 400
    assert accounts.find(SIGNER.address, 0) == first
    assert issued(accounts, nonce=1) != first


def test_a_request_signed_with_its_key_is_let_in() -> None:
    accounts = Accounts(seed=1)
    account = issued(accounts)
    headers = request_headers(account)
    assert accounts.authorize(headers, "DELETE", "/order", BODY, NOW_MS) == account


@pytest.mark.parametrize(
    ("changes", "method", "path", "body"),
    [
        ({}, "POST", "/order", BODY),
        ({}, "DELETE", "/orders", BODY),
        ({}, "DELETE", "/order", BODY + b" "),
        ({"poly_passphrase": "0" * 64}, "DELETE", "/order", BODY),
        ({"poly_address": "0x" + "12" * 20}, "DELETE", "/order", BODY),
        ({"poly_api_key": "00000000-0000"}, "DELETE", "/order", BODY),
        ({"poly_signature": "ü"}, "DELETE", "/order", BODY),
        ({"poly_timestamp": str(int(STAMP) + 1)}, "DELETE", "/order", BODY),
    ],
)
def test_a_request_that_is_not_exactly_what_was_signed_is_refused(
    changes: dict[str, str], method: str, path: str, body: bytes
) -> None:
    accounts = Accounts(seed=1)
    account = issued(accounts)
    headers = request_headers(account, **changes)
    outcome = accounts.authorize(headers, method, path, body, NOW_MS)
    assert isinstance(outcome, Refusal)
    assert outcome.status == 401


def test_a_deleted_key_is_refused_and_can_be_issued_again() -> None:
    accounts = Accounts(seed=1)
    account = issued(accounts)
    accounts.delete(account.api_key)
    headers = request_headers(account)
    assert isinstance(accounts.authorize(headers, "DELETE", "/order", BODY, NOW_MS), Refusal)
    assert issued(accounts) == account


def test_a_socket_needs_key_secret_and_passphrase() -> None:
    accounts = Accounts(seed=1)
    account = issued(accounts)
    key, secret, phrase = account.api_key, account.secret, account.passphrase
    assert accounts.authorize_socket(key, secret, phrase) == account
    assert accounts.authorize_socket(key, secret, "x") is None
    assert accounts.authorize_socket(key, "x", phrase) is None
    assert accounts.authorize_socket("x", secret, phrase) is None


def test_keys_outlive_the_process_and_only_their_owner_may_read_the_file(tmp_path: Path) -> None:
    file = AccountFile(tmp_path)
    assert file.read() == ()
    accounts = Accounts(seed=1)
    account = issued(accounts)
    file.write(accounts.all())
    assert Accounts(1, AccountFile(tmp_path).read()).of_key(account.api_key) == account
    path = tmp_path / "api-keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert msgspec.json.decode(path.read_bytes())[0]["address"] == SIGNER.address.lower()


def test_another_seed_issues_other_keys() -> None:
    assert issued(Accounts(seed=1)).secret != issued(Accounts(seed=2)).secret
