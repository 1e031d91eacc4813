"""The chain's encoding of a transaction (RLP), for one flat list of byte strings."""

from collections.abc import Sequence
from typing import Final

SHORT_MAX: Final = 55
STRING: Final = 0x80
LIST: Final = 0xC0
RAW_BYTES_MAX: Final = 100_000


class RlpError(ValueError):
    """The bytes are no flat list."""


def encode_list(fields: Sequence[bytes]) -> bytes:
    body = b"".join(_string(field) for field in fields)
    return _head(len(body), LIST) + body


def decode_list(data: bytes) -> list[bytes]:
    """Return the byte strings of a flat list; raise `RlpError`."""
    if not data or data[0] < LIST or len(data) > RAW_BYTES_MAX:
        raise RlpError("not a transaction")
    start, length = _span(data, 0, LIST)
    if start + length != len(data):
        raise RlpError("the transaction has another length than it says")
    found, at = [], start
    while at < len(data):
        if data[at] < STRING:
            found.append(data[at : at + 1])
            at += 1
            continue
        if data[at] >= LIST:
            raise RlpError("a list inside the transaction")
        begin, size = _span(data, at, STRING)
        if begin + size > len(data):
            raise RlpError("the transaction ends early")
        found.append(data[begin : begin + size])
        at = begin + size
    return found


def _string(field: bytes) -> bytes:
    if len(field) == 1 and field[0] < STRING:
        return field
    return _head(len(field), STRING) + field


def _head(length: int, offset: int) -> bytes:
    if length <= SHORT_MAX:
        return bytes((offset + length,))
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((offset + SHORT_MAX + len(size),)) + size


def _span(data: bytes, at: int, offset: int) -> tuple[int, int]:
    """Return where the content begins and how long it is."""
    first = data[at] - offset
    if first <= SHORT_MAX:
        return at + 1, first
    size = first - SHORT_MAX
    return at + 1 + size, int.from_bytes(data[at + 1 : at + 1 + size], "big")
