"""Signed orders as bytes, and their id: the EIP-712 hash, known before the post.

The id is computed here, independently of the SDK's signing code, from the order's own fields.
"""

from decimal import Decimal
from typing import Final, Literal, cast

import msgspec
from eth_utils.crypto import keccak
from polymarket.models.clob.orders import OrderType, SignedOrder
from polymarket.models.types import ClobAssetId
from polymarket.types import EvmAddress, HexString

from signals.decision import Style
from signals.units import MICRO

BODY_VERSION: Final = 1


class SignedBody(msgspec.Struct, frozen=True, kw_only=True, tag="signed_body"):
    """The stored form. Whole numbers are text: a salt or a token id outgrows 64 bits."""

    version: int = BODY_VERSION
    builder: str
    expiration: int
    maker: str
    maker_amount: str
    metadata: str
    order_type: Literal["GTC", "GTD", "FOK", "FAK"]
    salt: str
    side: Literal["BUY", "SELL"]
    signature: str
    signature_type: int
    signer: str
    taker_amount: str
    timestamp: int
    token_id: str
    post_only: bool


class BodyError(ValueError):
    """Stored bytes are not a signed order of a version that this code knows."""


def encode_body(order: SignedOrder) -> bytes:
    body = SignedBody(
        builder=order.builder,
        expiration=order.expiration,
        maker=order.maker,
        maker_amount=str(order.maker_amount),
        metadata=order.metadata,
        order_type=order.order_type,
        salt=str(order.salt),
        side=order.side,
        signature=order.signature,
        signature_type=order.signature_type,
        signer=order.signer,
        taker_amount=str(order.taker_amount),
        timestamp=order.timestamp,
        token_id=order.token_id,
        post_only=order.post_only,
    )
    return msgspec.json.encode(body)


def decode_body(data: bytes) -> SignedOrder:
    """Rebuild the SDK's order exactly; raise `BodyError` if the bytes are not one."""
    try:
        body = msgspec.json.decode(data, type=SignedBody)
    except msgspec.DecodeError as error:
        raise BodyError(str(error)) from error
    if body.version != BODY_VERSION:
        raise BodyError(f"signed body version {body.version}, this code knows {BODY_VERSION}")
    return SignedOrder(
        builder=HexString(body.builder),
        expiration=body.expiration,
        maker=EvmAddress(body.maker),
        maker_amount=int(body.maker_amount),
        metadata=HexString(body.metadata),
        order_type=body.order_type,
        salt=int(body.salt),
        side=body.side,
        signature=HexString(body.signature),
        signature_type=body.signature_type,
        signer=EvmAddress(body.signer),
        taker_amount=int(body.taker_amount),
        timestamp=body.timestamp,
        token_id=cast("ClobAssetId", body.token_id),
        post_only=body.post_only,
    )


ORDER_TYPE_HASH: Final = keccak(
    text=(
        "Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,"
        "uint256 takerAmount,uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,"
        "bytes32 builder)"
    )
)
DOMAIN_TYPE_HASH: Final = keccak(
    text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
PROTOCOL_NAME: Final = "Polymarket CTF Exchange"


def order_id(order: SignedOrder, *, chain_id: int, exchange: str, protocol_version: str) -> str:
    """Hash the order by EIP-712 in the exchange's domain: the id that the venue will use."""
    struct = keccak(
        ORDER_TYPE_HASH
        + _bytes32(order.salt)
        + _bytes32(int(order.maker, 16))
        + _bytes32(int(order.signer, 16))
        + _bytes32(int(order.token_id))
        + _bytes32(order.maker_amount)
        + _bytes32(order.taker_amount)
        + _bytes32(0 if order.side == "BUY" else 1)
        + _bytes32(order.signature_type)
        + _bytes32(order.timestamp)
        + _bytes32(int(order.metadata, 16))
        + _bytes32(int(order.builder, 16))
    )
    domain = keccak(
        DOMAIN_TYPE_HASH
        + keccak(text=PROTOCOL_NAME)
        + keccak(text=protocol_version)
        + _bytes32(chain_id)
        + _bytes32(int(exchange, 16))
    )
    return "0x" + keccak(b"\x19\x01" + domain + struct).hex()


def _bytes32(value: int) -> bytes:
    return value.to_bytes(32, "big")


def order_type_of(style: Style) -> OrderType:
    return "GTC" if style is Style.REST else "FAK"


def from_micro(value: int) -> Decimal:
    """Turn micro-units into a decimal of whole units, exactly."""
    return Decimal(value) / MICRO
