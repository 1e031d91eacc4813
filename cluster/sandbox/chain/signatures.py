"""Who signed a transaction: the four ways in which the wallets' owners do it."""

from collections.abc import Sequence
from typing import Final

import msgspec

from cluster.sandbox.chain.contracts import ZERO_ADDRESS, InnerCall
from cluster.sandbox.chain.rlp import RlpError, decode_list, encode_list
from cluster.sandbox.signing import (
    CHAIN_ID,
    SignatureError,
    address_word,
    domain_separator,
    keccak_word,
    number_word,
    recover_address,
    typed_digest,
)

CALL_TYPE: Final = b"Call(address target,uint256 value,bytes data)"
BATCH_TYPE: Final = b"Batch(address wallet,uint256 nonce,uint256 deadline,Call[] calls)" + CALL_TYPE
SAFE_DOMAIN_TYPE: Final = b"EIP712Domain(uint256 chainId,address verifyingContract)"
SAFE_TYPE: Final = (
    b"SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,"
    b"uint256 baseGas,uint256 gasPrice,address gasToken,address refundReceiver,uint256 nonce)"
)
SAFE_V_OFFSET: Final = 4
"""A safe tells signatures of the personal kind by a v that is four higher."""
LEGACY_FIELDS: Final = 9
EIP155_OFFSET: Final = 35


def recover_batch(
    wallet: str, nonce: int, deadline_s: int, calls: Sequence[InnerCall], signature: bytes
) -> str:
    """Return who signed a deposit wallet's batch."""
    hashes = b"".join(
        keccak_word(
            keccak_word(CALL_TYPE)
            + address_word(call.to, "target")
            + number_word(0)
            + keccak_word(call.data)
        )
        for call in calls
    )
    struct_hash = keccak_word(
        keccak_word(BATCH_TYPE)
        + address_word(wallet, "wallet")
        + number_word(nonce)
        + number_word(deadline_s)
        + keccak_word(hashes)
    )
    domain = domain_separator("DepositWallet", "1", wallet)
    return recover_address(typed_digest(domain, struct_hash), signature)


def recover_safe(wallet: str, call: InnerCall, operation: int, nonce: int, sig: bytes) -> str:
    """Return who signed a safe's transaction."""
    struct_hash = keccak_word(
        keccak_word(SAFE_TYPE)
        + address_word(call.to, "to")
        + number_word(0)
        + keccak_word(call.data)
        + number_word(operation)
        + number_word(0) * 3
        + address_word(ZERO_ADDRESS, "gasToken")
        + address_word(ZERO_ADDRESS, "refundReceiver")
        + number_word(nonce)
    )
    domain = keccak_word(
        keccak_word(SAFE_DOMAIN_TYPE) + number_word(CHAIN_ID) + address_word(wallet, "proxyWallet")
    )
    if not sig:
        raise SignatureError("signature is empty")
    plain = sig[:-1] + bytes((max(0, sig[-1] - SAFE_V_OFFSET),))
    return recover_address(_personal(typed_digest(domain, struct_hash)), plain)


class ProxyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner of a proxy signs."""

    sender: str
    to: str
    data: bytes
    gas_limit: int
    nonce: int
    relay_hub: str
    relay: str


def recover_proxy(request: ProxyRequest, signature: bytes) -> str:
    digest = keccak_word(
        b"rlx:"
        + _bare(request.sender)
        + _bare(request.to)
        + request.data
        + number_word(0) * 2
        + number_word(request.gas_limit)
        + number_word(request.nonce)
        + _bare(request.relay_hub)
        + _bare(request.relay)
    )
    return recover_address(_personal(digest), signature)


class RawTransaction(msgspec.Struct, frozen=True, kw_only=True):
    sender: str
    nonce: int
    call: InnerCall
    transaction_hash: str


def recover_raw(raw: bytes) -> RawTransaction:
    """Read a signed transaction of the legacy kind with a chain id (EIP-155)."""
    try:
        fields = decode_list(raw)
    except RlpError as error:
        raise SignatureError(str(error)) from error
    if len(fields) != LEGACY_FIELDS:
        raise SignatureError(f"a transaction of {len(fields)} fields is not known here")
    v, r, s = (int.from_bytes(part, "big") for part in fields[6:])
    recovery = v - EIP155_OFFSET - 2 * CHAIN_ID
    if recovery not in (0, 1):
        raise SignatureError("invalid sender: the transaction is of another chain")
    signed = encode_list([*fields[:6], CHAIN_ID.to_bytes(1, "big"), b"", b""])
    signature = number_word(r) + number_word(s) + bytes((recovery,))
    return RawTransaction(
        sender=recover_address(keccak_word(signed), signature),
        nonce=int.from_bytes(fields[0], "big"),
        call=InnerCall(to="0x" + fields[3].hex(), data=fields[5]),
        transaction_hash="0x" + keccak_word(raw).hex(),
    )


def _personal(digest: bytes) -> bytes:
    return keccak_word(b"\x19Ethereum Signed Message:\n32" + digest)


def _bare(address: str) -> bytes:
    return address_word(address, "address")[12:]
