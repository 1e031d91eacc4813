"""Bodies that something spoilt on the way: none stops a reader, none gives an impossible value."""

import os
import random
import re

from tests.actors.market_data.sources.every_reader import EXCHANGES, read_all
from tests.actors.market_data.sources.recorded_bodies import bodies_of

BODIES = int(os.environ.get("MIDSTRIDE_FUZZ_BODIES", "3000"))
"""100,000 take some minutes."""
SEED = 20_261_130
NUMBER = re.compile(rb"-?\d+(\.\d+)?")
ODD = (
    b"null",
    b"-1",
    b"0",
    b"1e400",
    b"-1e308",
    b"NaN",
    b"Infinity",
    b"99999999999999999999999",
    b'""',
    b'"abc"',
    "\u0663".encode(),
    b"[]",
    b"{}",
    b"true",
    b"1790000000",
    b"1790000000000",
    b"9007199254740993",
    b"\xff\xfe",
    b"[" * 500,
    b"\x00",
)


def spoilt(raw: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Return a body that one to three things happened to."""
    for _ in range(chance.randint(1, 3)):
        raw = _once(raw, chance, others)
    return raw


def _once(raw: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    at = chance.randrange(len(raw) + 1)
    to = min(len(raw), at + chance.randint(1, 20))
    match chance.randrange(12):
        case 0:
            return raw[:at]
        case 1:
            return raw[:at] + raw[to:]
        case 2:
            return raw[:at] + raw[at:to] * 2 + raw[to:]
        case 3:
            return raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]
        case 6:
            return raw[:at] + chance.choice(others)[:at]
        case 7:
            return raw.replace(b'"', b"", chance.randint(1, 4))
        case _:
            return _number_replaced(raw, chance)


def _number_replaced(raw: bytes, chance: random.Random) -> bytes:
    found = list(NUMBER.finditer(raw))
    if not found:
        return raw + chance.choice(ODD)
    one = chance.choice(found)
    if chance.random() < 0.5:
        value = chance.choice(ODD)
    else:
        value = str(float(one.group()) * 10.0 ** chance.randint(-20, 20)).encode()
    return raw[: one.start()] + value + raw[one.end() :]


def test_no_spoilt_body_stops_a_reader_or_gives_an_impossible_value() -> None:
    chance = random.Random(SEED)
    recorded = [(name, case.raw.encode()) for name in EXCHANGES for case in bodies_of(name)]
    others = [raw for _, raw in recorded]
    read = 0
    for _ in range(BODIES):
        name, raw = chance.choice(recorded)
        body = spoilt(raw, chance, others)
        try:
            read += bool(read_all(EXCHANGES[name], body))
        except Exception as error:
            raise AssertionError(f"{name}: {body!r}") from error
    print(f"{BODIES} spoilt bodies, {read} of them still read in part")
    assert read
