"""Which wallets a key trades from: the same addresses as the venue's SDK derives."""

import msgspec
import pytest
from eth_account import Account
from polymarket._internal.environment import PRODUCTION_CONFIG
from polymarket._internal.wallet import (
    derive_beacon_deposit_wallet_address,
    derive_proxy_wallet_address,
    derive_safe_wallet_address,
    derive_uups_deposit_wallet_address,
)

from cluster.sandbox.wallets import (
    NOT_ALLOWED,
    OTHER_SIGNER,
    deposit_wallets,
    proxy_wallet,
    safe_wallet,
    wallet_fault,
)
from tests.cluster.sandbox.server.test_signing import SIGNER, unsigned

CONFIG = PRODUCTION_CONFIG.wallet_derivation
OWNER = SIGNER.address.lower()


@pytest.mark.parametrize("number", range(1, 6))
def test_the_derived_wallets_are_those_of_the_sdk(number: int) -> None:
    key = Account.from_key(f"0x{number:064x}").address
    assert deposit_wallets(key.lower()) == (
        derive_uups_deposit_wallet_address(key, CONFIG).lower(),
        derive_beacon_deposit_wallet_address(key, CONFIG).lower(),
    )
    assert proxy_wallet(key.lower()) == derive_proxy_wallet_address(key, CONFIG).lower()
    assert safe_wallet(key.lower()) == derive_safe_wallet_address(key, CONFIG).lower()


@pytest.mark.parametrize("kind", [0, 1, 2, 4, 255])
def test_a_new_account_trades_from_no_older_wallet(kind: int) -> None:
    order = unsigned(signature_type=kind)
    assert wallet_fault(order, OWNER, older_wallets=False) == NOT_ALLOWED


@pytest.mark.parametrize("wallet", deposit_wallets(OWNER))
def test_a_deposit_wallet_of_the_key_may_trade(wallet: str) -> None:
    order = unsigned(signature_type=3, maker=wallet, signer=wallet)
    assert wallet_fault(order, OWNER, older_wallets=False) is None
    assert wallet_fault(order, "0x" + "cd" * 20, older_wallets=False) == OTHER_SIGNER
    mixed = msgspec.structs.replace(order, signer="0x" + "cd" * 20)
    assert wallet_fault(mixed, OWNER, older_wallets=False) == OTHER_SIGNER


def test_an_older_account_trades_from_its_own_older_wallets_alone() -> None:
    older = {0: OWNER, 1: proxy_wallet(OWNER), 2: safe_wallet(OWNER)}
    for kind, wallet in older.items():
        order = unsigned(signature_type=kind, maker=wallet)
        assert wallet_fault(order, OWNER, older_wallets=True) is None
        other = msgspec.structs.replace(order, maker="0x" + "cd" * 20)
        assert wallet_fault(other, OWNER, older_wallets=True) == NOT_ALLOWED
