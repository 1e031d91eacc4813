"""A stand-in for the journal's Arrow codec, many times faster: nine seeds of ten use it.

It keeps what matters here: bytes that a flipped bit makes unreadable, and nothing lost.
"""

import functools
import zlib
from collections.abc import Sequence
from typing import Final

import msgspec

from checkpoints.journal_rows import JournalRow

CACHE: Final = 2_048
_decoder = msgspec.msgpack.Decoder(list[JournalRow])


def encode_rows(rows: Sequence[JournalRow]) -> bytes:
    data = msgspec.msgpack.encode(rows)
    return zlib.crc32(data).to_bytes(4, "big") + data


def decode_rows(data: bytes) -> list[JournalRow] | str:
    found = _decode(data)
    return found if isinstance(found, str) else list(found)


@functools.lru_cache(maxsize=CACHE)
def _decode(data: bytes) -> tuple[JournalRow, ...] | str:
    if zlib.crc32(data[4:]).to_bytes(4, "big") != data[:4]:
        return "flipped"
    return tuple(_decoder.decode(data[4:]))
