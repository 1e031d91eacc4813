"""Addresses and call data of the contracts that a redemption touches, by their published ABI."""

from typing import Final

import msgspec

from cluster.sandbox.signing import keccak_word

COLLATERAL: Final = "0xc011a7e12a19f7b1f670d46f03b03f3342e82dfb"
"""pUSD, six decimals."""
CONDITIONAL_TOKENS: Final = "0x4d97dcd97ec945f40cf65f87097ace5ea0476045"
COLLATERAL_ADAPTER: Final = "0xada100db00ca00073811820692005400218fce1f"
"""Redeems at the conditional tokens and hands out pUSD."""
SAFE_MULTISEND: Final = "0xa238cbeb142c10ef7ad8442c6d1f9e89e07e7761"
RELAY_HUB: Final = "0xd216153c06e857cd7f72665e0af1d7d82172f494"
AUTO_REDEEM_OPERATOR: Final = "0xa1200000d0002264c9a1698e001292d00e1b00af"
ZERO_ADDRESS: Final = "0x" + "0" * 40
WORD: Final = 32
SELECTOR: Final = 4
CALLS_MAX: Final = 50
"""Of one transaction; the venue's own pages send fewer."""


class BadCallError(ValueError):
    """The call data are not what the contract's ABI says: the call would revert."""


class InnerCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call that a wallet makes."""

    to: str
    data: bytes


def selector(signature: str) -> bytes:
    return keccak_word(signature.encode())[:SELECTOR]


REDEEM: Final = selector("redeemPositions(address,bytes32,bytes32,uint256[])")
PROXY: Final = selector("proxy((uint8,address,uint256,bytes)[])")
BALANCE_OF: Final = selector("balanceOf(address,uint256)")
BALANCE_OF_BATCH: Final = selector("balanceOfBatch(address[],uint256[])")
SAFE_NONCE: Final = selector("nonce()")
RELAY_NONCE: Final = selector("getNonce(address)")
TRANSFER_TOPIC: Final = "0x" + keccak_word(b"Transfer(address,address,uint256)").hex()


def word(data: bytes, at: int) -> int:
    """Read the 32-byte number at a byte offset."""
    if at < 0 or at + WORD > len(data):
        raise BadCallError("call data end early")
    return int.from_bytes(data[at : at + WORD], "big")


def address_at(data: bytes, at: int) -> str:
    return f"0x{word(data, at) & ((1 << 160) - 1):040x}"


def tail(data: bytes, at: int) -> bytes:
    """Return the bytes (with a length before them) that start at a byte offset."""
    length = word(data, at)
    if at + WORD + length > len(data):
        raise BadCallError("call data end early")
    return data[at + WORD : at + WORD + length]


def redeemed_condition(call: InnerCall) -> str | None:
    """Return the condition that a call redeems, 0x and 64 digits; None: it is no redemption."""
    if call.data[:SELECTOR] != REDEEM:
        return None
    arguments = call.data[SELECTOR:]
    sets_at = word(arguments, 3 * WORD)
    count = word(arguments, sets_at)
    sets = {word(arguments, sets_at + WORD * (index + 1)) for index in range(min(count, 2))}
    if count != len(sets) or sets != {1, 2}:
        raise BadCallError("redeemPositions: the index sets of a binary market are 1 and 2")
    return f"0x{word(arguments, 2 * WORD):064x}"


def proxied_calls(data: bytes) -> tuple[InnerCall, ...]:
    """Return what `proxy((uint8,address,uint256,bytes)[])` of the proxy factory calls."""
    if data[:SELECTOR] != PROXY:
        raise BadCallError("the proxy factory has no such function")
    arguments = data[SELECTOR:]
    base = word(arguments, 0) + WORD
    count = word(arguments, base - WORD)
    if not 0 < count <= CALLS_MAX:
        raise BadCallError(f"{count} calls in one transaction")
    found = []
    for index in range(count):
        at = base + word(arguments, base + WORD * index)
        inner = tail(arguments, at + word(arguments, at + 3 * WORD))
        found.append(InnerCall(to=address_at(arguments, at + WORD), data=inner))
    return tuple(found)
