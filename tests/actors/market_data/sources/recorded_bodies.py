"""Bodies that exchanges really sent, where the recorded data is at hand."""

import msgspec

from tests.actors.market_data.recordings import FIXTURES
from tests.recorded import absent


class Recorded(msgspec.Struct, kw_only=True):
    case: str
    kind: str
    raw: str


def bodies_of(exchange: str) -> list[Recorded]:
    path = FIXTURES / "exchanges" / f"{exchange}.jsonl"
    if not path.exists():
        absent(f"no recorded data at {path.resolve()}: set MIDSTRIDE_DATA to its folder")
    lines = path.read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Recorded) for line in lines]
