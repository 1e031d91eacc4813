"""The exchange's own hashing agrees with eth-account, and refuses what is not exactly signed."""

import msgspec
import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from eth_hash.auto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.sandbox.signing import (
    CHAIN_ID,
    EXCHANGE_NAME,
    EXCHANGE_V2,
    EXCHANGE_V2_NEG_RISK,
    EXCHANGE_V3,
    SignatureError,
    WireOrder,
    recover_login,
    verify_order,
)

KEY = "0x" + "11" * 32
SIGNER = Account.from_key(KEY)
WALLET = "0x" + "Ab" * 20
V1_TOKEN = (1 << 255) + (7 << 41) + 5
V2_POSITION = (1 << 200) + 9
FIELDS = [
    ("salt", "uint256"),
    ("maker", "address"),
    ("signer", "address"),
    ("tokenId", "uint256"),
    ("makerAmount", "uint256"),
    ("takerAmount", "uint256"),
    ("side", "uint8"),
    ("signatureType", "uint8"),
    ("timestamp", "uint256"),
    ("metadata", "bytes32"),
    ("builder", "bytes32"),
]
ORDER_TYPE = "Order(" + ",".join(f"{kind} {name}" for name, kind in FIELDS) + ")"
DOMAIN_FIELDS = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


def unsigned(**changes: object) -> WireOrder:
    order = WireOrder(
        salt=12345,
        maker=SIGNER.address,
        signer=SIGNER.address,
        token_id=str(V1_TOKEN),
        maker_amount="2700000",
        taker_amount="5000000",
        side="BUY",
        signature_type=0,
        timestamp="1767225600000",
        metadata="0x" + "00" * 32,
        builder="0x" + "00" * 32,
        signature="0x",
    )
    return msgspec.structs.replace(order, **changes)


def typed_data(order: WireOrder, version: str, contract: str) -> dict:
    return {
        "types": {
            "EIP712Domain": DOMAIN_FIELDS,
            "Order": [{"name": name, "type": kind} for name, kind in FIELDS],
        },
        "primaryType": "Order",
        "domain": {
            "name": EXCHANGE_NAME,
            "version": version,
            "chainId": CHAIN_ID,
            "verifyingContract": contract,
        },
        "message": {
            "salt": order.salt,
            "maker": order.maker,
            "signer": order.signer,
            "tokenId": int(order.token_id),
            "makerAmount": int(order.maker_amount),
            "takerAmount": int(order.taker_amount),
            "side": 0 if order.side == "BUY" else 1,
            "signatureType": order.signature_type,
            "timestamp": int(order.timestamp),
            "metadata": order.metadata,
            "builder": order.builder,
        },
    }


def nested_data(order: WireOrder, version: str, contract: str) -> dict:
    plain = typed_data(order, version, contract)
    plain["types"]["TypedDataSign"] = [
        {"name": "contents", "type": "Order"},
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
        {"name": "salt", "type": "bytes32"},
    ]
    plain["primaryType"] = "TypedDataSign"
    plain["message"] = {
        "contents": plain["message"],
        "name": "DepositWallet",
        "version": "1",
        "chainId": CHAIN_ID,
        "verifyingContract": order.signer,
        "salt": "0x" + "00" * 32,
    }
    return plain


def signed(order: WireOrder, version: str = "2", contract: str = EXCHANGE_V2) -> WireOrder:
    plain = encode_typed_data(full_message=typed_data(order, version, contract))
    if order.signature_type == 0:
        signature = SIGNER.sign_message(plain).signature
    else:
        nested = encode_typed_data(full_message=nested_data(order, version, contract))
        signature = (
            SIGNER.sign_message(nested).signature
            + plain.header
            + plain.body
            + ORDER_TYPE.encode()
            + len(ORDER_TYPE).to_bytes(2, "big")
        )
    return msgspec.structs.replace(order, signature="0x" + bytes(signature).hex())


def expected_id(order: WireOrder, version: str = "2", contract: str = EXCHANGE_V2) -> str:
    message = encode_typed_data(full_message=typed_data(order, version, contract))
    return "0x" + bytes(_hash_eip191_message(message)).hex()


orders = st.builds(
    unsigned,
    salt=st.integers(0, 2**256 - 1),
    token_id=st.integers(0, 2**256 - 1).map(lambda n: str(n | 1 << 40)),
    maker_amount=st.integers(0, 2**256 - 1).map(str),
    taker_amount=st.integers(0, 2**256 - 1).map(str),
    side=st.sampled_from(["BUY", "SELL"]),
    timestamp=st.integers(0, 2**60).map(str),
    metadata=st.binary(min_size=32, max_size=32).map(lambda b: "0x" + b.hex()),
    builder=st.binary(min_size=32, max_size=32).map(lambda b: "0x" + b.hex()),
)


@settings(max_examples=60, deadline=None)
@given(orders)
def test_every_order_of_a_bare_key_hashes_and_recovers_as_eth_account_says(
    order: WireOrder,
) -> None:
    verified = verify_order(signed(order))
    assert verified.order_id == expected_id(order)
    assert verified.owner == SIGNER.address.lower()


@settings(max_examples=30, deadline=None)
@given(orders)
def test_every_order_of_a_deposit_wallet_recovers_the_owner_and_keeps_the_plain_order_id(
    order: WireOrder,
) -> None:
    order = msgspec.structs.replace(order, maker=WALLET, signer=WALLET, signature_type=3)
    verified = verify_order(signed(order))
    assert verified.order_id == expected_id(order)
    assert verified.owner == SIGNER.address.lower()


@pytest.mark.parametrize(
    ("token_id", "neg_risk", "version", "contract"),
    [
        (V1_TOKEN, False, "2", EXCHANGE_V2),
        (V1_TOKEN, True, "2", EXCHANGE_V2_NEG_RISK),
        (V2_POSITION, False, "3", EXCHANGE_V3),
    ],
)
def test_the_token_and_the_market_choose_the_domain(
    token_id: int, *, neg_risk: bool, version: str, contract: str
) -> None:
    order = unsigned(token_id=str(token_id))
    verified = verify_order(signed(order, version, contract), neg_risk=neg_risk)
    assert verified.order_id == expected_id(order, version, contract)


def test_a_signature_made_in_another_domain_is_refused() -> None:
    order = signed(unsigned(), "1", EXCHANGE_V2)
    with pytest.raises(SignatureError, match="another signer"):
        verify_order(order)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("salt", 54321),
        ("maker_amount", "2700001"),
        ("taker_amount", "5000001"),
        ("side", "SELL"),
        ("timestamp", "1767225600001"),
        ("metadata", "0x" + "01" * 32),
        ("builder", "0x" + "01" * 32),
        ("token_id", str(V1_TOKEN + 1)),
    ],
)
@pytest.mark.parametrize("signature_type", [0, 3])
def test_changing_any_signed_field_after_signing_is_refused(
    field: str, value: object, signature_type: int
) -> None:
    holder = SIGNER.address if signature_type == 0 else WALLET
    order = signed(unsigned(maker=holder, signer=holder, signature_type=signature_type))
    with pytest.raises(SignatureError):
        verify_order(msgspec.structs.replace(order, **{field: value}))


def test_changing_the_unsigned_expiration_keeps_the_order_id() -> None:
    order = signed(unsigned())
    changed = msgspec.structs.replace(order, expiration="1767229200")
    assert verify_order(changed).order_id == verify_order(order).order_id


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signature": "0x" + "00" * 64}, "64 bytes"),
        ({"signature": "zz"}, "not hex"),
        ({"signature_type": 1}, "recovered another signer"),
        ({"signature_type": 4}, "signatureType is not known"),
        ({"signer": WALLET}, "differ"),
        ({"maker_amount": "-1"}, "makerAmount"),
        ({"maker_amount": "1.5"}, "makerAmount"),
        ({"token_id": str(2**256)}, "256 bits"),
        ({"metadata": "0x00"}, "metadata"),
        ({"maker": "0x12", "signer": "0x12"}, "maker"),
        ({"side": "HOLD"}, "side"),
    ],
)
def test_a_malformed_order_is_refused_by_naming_what_is_wrong(changes: dict, message: str) -> None:
    with pytest.raises(SignatureError, match=message):
        verify_order(msgspec.structs.replace(signed(unsigned()), **changes))


def test_the_malleable_twin_of_a_signature_is_refused() -> None:
    order = signed(unsigned())
    raw = bytes.fromhex(order.signature[2:])
    curve_order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    twin_s = (curve_order - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
    twin = raw[:32] + twin_s + bytes([27 + 28 - raw[64]])
    with pytest.raises(SignatureError, match="canonical"):
        verify_order(msgspec.structs.replace(order, signature="0x" + twin.hex()))


def test_an_l1_login_recovers_its_address_and_another_nonce_does_not() -> None:
    message = {
        "types": {
            "EIP712Domain": DOMAIN_FIELDS[:3],
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
            "address": SIGNER.address,
            "timestamp": "1767225600",
            "nonce": 3,
            "message": "This message attests that I control the given wallet",
        },
    }
    signature = "0x" + SIGNER.sign_typed_data(full_message=message).signature.hex()
    assert recover_login(SIGNER.address, "1767225600", 3, signature) == SIGNER.address.lower()
    assert recover_login(SIGNER.address, "1767225600", 4, signature) != SIGNER.address.lower()


def test_the_hash_function_is_keccak_and_not_sha3() -> None:
    assert keccak(b"").hex().startswith("c5d2460186f7233c")
