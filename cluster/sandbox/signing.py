"""The exchange's own EIP-712: order hash, signer of an order, signer of an L1 login.

Written from the standards (EIP-712, and the nested typed data of ERC-7739 for deposit wallets) and
from the venue's contract struct, without the venue's SDK: what a client signs is checked by
arithmetic that the client did not bring. The order id at the venue is the hash computed here.

Hashing by hand (32-byte words) and recovering with native secp256k1 takes well under a
millisecond; the tests hold it equal to eth-account's `encode_typed_data`.
"""

import re
from enum import IntEnum
from typing import Final

import msgspec
from coincurve import PublicKey
from eth_hash.auto import keccak

CHAIN_ID: Final = 137
"""Polygon: the chain the venue settles on."""
EXCHANGE_NAME: Final = "Polymarket CTF Exchange"
EXCHANGE_V2: Final = "0xE111180000d2663C0091e4f400237545B87B996B"
EXCHANGE_V2_NEG_RISK: Final = "0xe2222d279d744050d28e00520010520000310F59"
EXCHANGE_V3: Final = "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"
L1_MESSAGE: Final = "This message attests that I control the given wallet"

_ORDER_TYPE: Final = (
    b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,"
    b"uint256 takerAmount,uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,"
    b"bytes32 builder)"
)
_WALLET_SIGN_TYPE: Final = (
    b"TypedDataSign(Order contents,string name,string version,uint256 chainId,"
    b"address verifyingContract,bytes32 salt)"
) + _ORDER_TYPE
_L1_TYPE: Final = b"ClobAuth(address address,string timestamp,uint256 nonce,string message)"
_WORD_MAX: Final = 1 << 256
_V2_POSITION_MASK: Final = ((1 << 64) - 1) << 40
"""Position ids of the venue's second protocol have these bits clear."""
_ECDSA_BYTES: Final = 65
_V_OFFSET: Final = 27
_SECP256K1_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Contracts refuse the malleable twin of a signature: s must be in the lower half (EIP-2)."""
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_BYTES32 = re.compile(r"0x[0-9a-fA-F]{64}\Z")
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*\Z")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,77})\Z")


class SignatureError(ValueError):
    """The bytes are no valid signature, or a signed field is malformed; the sender must fix it."""


class SignatureType(IntEnum):
    EOA = 0
    POLY_PROXY = 1
    GNOSIS_SAFE = 2
    DEPOSIT_WALLET = 3


class WireOrder(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A signed order as it stands in the body of POST /order. `expiration` is not signed."""

    salt: int
    maker: str
    signer: str
    token_id: str
    maker_amount: str
    taker_amount: str
    side: str
    signature_type: int
    timestamp: str
    """Wire time of signing, UTC ms."""
    metadata: str
    builder: str
    signature: str
    expiration: str = "0"
    """UTC seconds; 0 means none."""


class VerifiedSignature(msgspec.Struct, frozen=True, kw_only=True):
    order_id: str
    """0x and 64 hex digits: the EIP-712 hash of the order."""
    owner: str
    """Lower-case address of the key that signed."""


def keccak_word(value: bytes) -> bytes:
    return bytes(keccak(value))


def number_word(value: int) -> bytes:
    if not 0 <= value < _WORD_MAX:
        raise SignatureError(f"{value} does not fit 256 bits")
    return value.to_bytes(32, "big")


def _decimal(value: str, field: str) -> bytes:
    if not _DECIMAL.match(value):
        raise SignatureError(f"{field} is not a decimal integer")
    return number_word(int(value))


def address_word(value: str, field: str) -> bytes:
    if not _ADDRESS.match(value):
        raise SignatureError(f"{field} is not an address")
    return bytes.fromhex(value[2:]).rjust(32, b"\0")


def _bytes32(value: str, field: str) -> bytes:
    if not _BYTES32.match(value):
        raise SignatureError(f"{field} is not 32 bytes of hex")
    return bytes.fromhex(value[2:])


def domain_separator(name: str, version: str, contract: str | None) -> bytes:
    fields = b"string name,string version,uint256 chainId"
    words = (
        keccak_word(name.encode()),
        keccak_word(version.encode()),
        number_word(CHAIN_ID),
    )
    if contract is None:
        return keccak_word(keccak_word(b"EIP712Domain(" + fields + b")") + b"".join(words))
    type_hash = keccak_word(b"EIP712Domain(" + fields + b",address verifyingContract)")
    return keccak_word(type_hash + b"".join(words) + address_word(contract, "verifyingContract"))


_ORDER_TYPE_HASH: Final = keccak_word(_ORDER_TYPE)
_WALLET_SIGN_TYPE_HASH: Final = keccak_word(_WALLET_SIGN_TYPE)
_L1_TYPE_HASH: Final = keccak_word(_L1_TYPE)
_DOMAIN_V2: Final = domain_separator(EXCHANGE_NAME, "2", EXCHANGE_V2)
_DOMAIN_V2_NEG_RISK: Final = domain_separator(EXCHANGE_NAME, "2", EXCHANGE_V2_NEG_RISK)
_DOMAIN_V3: Final = domain_separator(EXCHANGE_NAME, "3", EXCHANGE_V3)
_DOMAIN_L1: Final = domain_separator("ClobAuthDomain", "1", None)
_WALLET_NAME_HASH: Final = keccak_word(b"DepositWallet")
_WALLET_VERSION_HASH: Final = keccak_word(b"1")


def is_protocol_v2_position(token_id: int) -> bool:
    """Tell whether the id names a position of the second protocol (exchange domain 3)."""
    return token_id & _V2_POSITION_MASK == 0


def order_domain(token_id: int, *, neg_risk: bool) -> bytes:
    """Return the domain separator that an order of this token must be signed in."""
    if is_protocol_v2_position(token_id):
        return _DOMAIN_V3
    return _DOMAIN_V2_NEG_RISK if neg_risk else _DOMAIN_V2


def order_struct_hash(order: WireOrder) -> bytes:
    """Hash the order's signed fields; raise `SignatureError` naming a malformed one."""
    side = {"BUY": 0, "SELL": 1}.get(order.side)
    if side is None:
        raise SignatureError("side is neither BUY nor SELL")
    return keccak_word(
        _ORDER_TYPE_HASH
        + number_word(order.salt)
        + address_word(order.maker, "maker")
        + address_word(order.signer, "signer")
        + _decimal(order.token_id, "tokenId")
        + _decimal(order.maker_amount, "makerAmount")
        + _decimal(order.taker_amount, "takerAmount")
        + number_word(side)
        + number_word(order.signature_type)
        + _decimal(order.timestamp, "timestamp")
        + _bytes32(order.metadata, "metadata")
        + _bytes32(order.builder, "builder")
    )


def typed_digest(domain: bytes, struct_hash: bytes) -> bytes:
    return keccak_word(b"\x19\x01" + domain + struct_hash)


def recover_address(digest: bytes, signature: bytes) -> str:
    """Return the lower-case address whose key made this 65-byte signature of the digest."""
    if len(signature) != _ECDSA_BYTES:
        raise SignatureError(f"signature has {len(signature)} bytes, not {_ECDSA_BYTES}")
    v = signature[64]
    recovery = v - _V_OFFSET if v >= _V_OFFSET else v
    if recovery not in (0, 1) or int.from_bytes(signature[32:64], "big") > _SECP256K1_HALF_ORDER:
        raise SignatureError("signature is not canonical")
    try:
        key = PublicKey.from_signature_and_message(
            signature[:64] + bytes((recovery,)), digest, hasher=None
        )
    except ValueError as error:
        raise SignatureError("signature recovers no key") from error
    return "0x" + keccak_word(key.format(compressed=False)[1:])[12:].hex()


def _wallet_digest(domain: bytes, struct_hash: bytes, wallet: str) -> bytes:
    nested = keccak_word(
        _WALLET_SIGN_TYPE_HASH
        + struct_hash
        + _WALLET_NAME_HASH
        + _WALLET_VERSION_HASH
        + number_word(CHAIN_ID)
        + address_word(wallet, "signer")
        + bytes(32)
    )
    return typed_digest(domain, nested)


def _wallet_trailer(domain: bytes, struct_hash: bytes) -> bytes:
    return domain + struct_hash + _ORDER_TYPE + len(_ORDER_TYPE).to_bytes(2, "big")


def order_id_of(order: WireOrder, *, neg_risk: bool = False) -> str:
    """Return the order's id, whoever signed it; raise `SignatureError` for a malformed field."""
    struct_hash = order_struct_hash(order)
    domain = order_domain(int(order.token_id), neg_risk=neg_risk)
    return "0x" + typed_digest(domain, struct_hash).hex()


def verify_order(order: WireOrder, *, neg_risk: bool = False) -> VerifiedSignature:
    """Compute the order id and recover the key that signed; raise `SignatureError`.

    EOA: signature over the order itself, made by `signer`, which must also be `maker`; of a proxy
    or a safe the maker is the wallet (whose it is, `wallets` checks). Deposit wallet: over the
    order nested in the wallet's own typed data, followed by the trailer that the wallet contract
    checks; maker and signer are both the wallet.
    """
    if not _HEX.match(order.signature):
        raise SignatureError("signature is not hex")
    signature = bytes.fromhex(order.signature[2:])
    struct_hash = order_struct_hash(order)
    domain = order_domain(int(order.token_id), neg_risk=neg_risk)
    digest = typed_digest(domain, struct_hash)
    wallet_signs = order.signature_type in (SignatureType.EOA, SignatureType.DEPOSIT_WALLET)
    if wallet_signs and order.maker.lower() != order.signer.lower():
        raise SignatureError("maker and signer differ")
    match order.signature_type:
        case SignatureType.EOA | SignatureType.POLY_PROXY | SignatureType.GNOSIS_SAFE:
            owner = recover_address(digest, signature)
            if owner != order.signer.lower():
                raise SignatureError("recovered another signer")
        case SignatureType.DEPOSIT_WALLET:
            if signature[_ECDSA_BYTES:] != _wallet_trailer(domain, struct_hash):
                raise SignatureError("deposit wallet trailer does not fit the order")
            owner = recover_address(
                _wallet_digest(domain, struct_hash, order.signer), signature[:_ECDSA_BYTES]
            )
        case _:
            raise SignatureError("signatureType is not known")
    return VerifiedSignature(order_id="0x" + digest.hex(), owner=owner)


def recover_login(address: str, timestamp: str, nonce: int, signature: str) -> str:
    """Return the address that signed an L1 login (ClobAuth); raise `SignatureError`."""
    if not _HEX.match(signature):
        raise SignatureError("signature is not hex")
    struct_hash = keccak_word(
        _L1_TYPE_HASH
        + address_word(address, "POLY_ADDRESS")
        + keccak_word(timestamp.encode())
        + number_word(nonce)
        + keccak_word(L1_MESSAGE.encode())
    )
    return recover_address(typed_digest(_DOMAIN_L1, struct_hash), bytes.fromhex(signature[2:]))


def address_of(private_key: str) -> str:
    """Return the lower-case address of a key of 64 hexadecimal digits."""
    secret = bytes.fromhex(private_key.removeprefix("0x"))
    public = PublicKey.from_valid_secret(secret).format(compressed=False)
    return "0x" + keccak_word(public[1:])[12:].hex()
