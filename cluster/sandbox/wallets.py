"""Which wallets a key may trade from: the addresses that the venue derives from it (CREATE2).

Computed from the standards (EIP-1014; ERC-1967 clones with arguments) and the venue's published
factories, without the venue's SDK.
"""

from typing import Final

from cluster.sandbox.signing import SignatureType, WireOrder, keccak_word

NOT_ALLOWED: Final = "maker address not allowed, please use the deposit wallet flow"
OTHER_SIGNER: Final = "the order signer address has to be the address of the API KEY"

PROXY_FACTORY: Final = "aB45c5A4B0c941a2F231C04C3f49182e1A254052"
PROXY_IMPLEMENTATION: Final = "44e999d5c2F66Ef0861317f9A4805AC2e90aEB4f"
SAFE_FACTORY: Final = "aacFeEa03eb1561C4e67d661e40682Bd20E3541b"
SAFE_CODE_HASH: Final = "2bce2127ff07fb632d16c8347c4ebf501f4841168bed00d9e6ef715ddb6fcecf"
DEPOSIT_FACTORY: Final = "00000000000Fb5C9ADea0298D729A0CB3823Cc07"
DEPOSIT_IMPLEMENTATION: Final = "58CA52ebe0DadfdF531Cde7062e76746de4Db1eB"
DEPOSIT_BEACON: Final = "7A18EDfe055488A3128f01F563e5B479D92ffc3a"
"""Contracts of the venue on its chain."""

_UUPS_HEAD: Final = 0x61003D3D8160233D3973
_UUPS_CODE: Final = (
    "60095155f3363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076",
    "cc3735a920a3ca505d382bbc545af43d6000803e6038573d6000fd5b3d6000f3",
)
_BEACON_HEAD: Final = 0x6100523D8160233D3973
_BEACON_CODE: Final = (
    "60195155f3363d3d373d3d363d602036600436635c60da",
    "1b60e01b36527fa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6c",
    "b3582b35133d50545afa5036515af43d6000803e604d573d6000fd5b3d6000f3",
)
_PROXY_CODE: Final = (
    "3d3d606380380380913d393d73{factory}5af4602a57600080fd5b602d8060366000396000f3"
    "363d3d373d3d3d363d73{implementation}5af43d82803e903d91602b57fd5bf352e831dd"
    f"{32:064x}{0:064x}"
)


def wallet_fault(order: WireOrder, owner: str, *, older_wallets: bool) -> str | None:
    """Return the venue's words for a wallet that this key may not trade from, or None.

    New accounts have a deposit wallet. `older_wallets`: the account is from before May 2026, and
    trades from the bare key, its proxy or its safe as well.
    """
    if order.signature_type != SignatureType.DEPOSIT_WALLET:
        older = older_wallets and _is_older_wallet(order, owner)
        return None if older else NOT_ALLOWED
    maker = order.maker.lower()
    own = maker == order.signer.lower() and maker in deposit_wallets(owner)
    return None if own else OTHER_SIGNER


def _is_older_wallet(order: WireOrder, owner: str) -> bool:
    wallets = {
        SignatureType.EOA: owner.lower(),
        SignatureType.POLY_PROXY: proxy_wallet(owner),
        SignatureType.GNOSIS_SAFE: safe_wallet(owner),
    }
    return order.maker.lower() == wallets.get(order.signature_type)  # type: ignore[call-overload, no-any-return]


def deposit_wallets(owner: str) -> tuple[str, str]:
    """Return the key's deposit wallet, as the plain and as the beacon factory makes it."""
    arguments = _padded(DEPOSIT_FACTORY) + _padded(owner)
    salt = keccak_word(arguments)
    plain = _code(_UUPS_HEAD, DEPOSIT_IMPLEMENTATION, _UUPS_CODE, arguments)
    beacon = _code(_BEACON_HEAD, DEPOSIT_BEACON, _BEACON_CODE, arguments)
    return (
        _create2(DEPOSIT_FACTORY, salt, keccak_word(plain)),
        _create2(DEPOSIT_FACTORY, salt, keccak_word(beacon)),
    )


def proxy_wallet(owner: str) -> str:
    code = _PROXY_CODE.format(factory=PROXY_FACTORY, implementation=PROXY_IMPLEMENTATION)
    salt = keccak_word(bytes.fromhex(_bare(owner)))
    return _create2(PROXY_FACTORY, salt, keccak_word(bytes.fromhex(code)))


def safe_wallet(owner: str) -> str:
    return _create2(SAFE_FACTORY, keccak_word(_padded(owner)), bytes.fromhex(SAFE_CODE_HASH))


def _code(head: int, target: str, body: tuple[str, ...], arguments: bytes) -> bytes:
    """Return the creation code of a minimal clone that carries arguments."""
    prefix = (head + (len(arguments) << 56)).to_bytes(10, "big")
    return prefix + bytes.fromhex(target + "".join(body)) + arguments


def _create2(factory: str, salt: bytes, code_hash: bytes) -> str:
    return "0x" + keccak_word(b"\xff" + bytes.fromhex(factory) + salt + code_hash)[12:].hex()


def _padded(address: str) -> bytes:
    return bytes.fromhex(_bare(address)).rjust(32, b"\0")


def _bare(address: str) -> str:
    return address.removeprefix("0x")


def wallets_of(owner: str) -> frozenset[str]:
    """Return every address that may hold what the owner of a key has."""
    return frozenset({owner, *deposit_wallets(owner), proxy_wallet(owner), safe_wallet(owner)})
