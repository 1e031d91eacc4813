"""The gateway hears of each market before its first order, and again when it may have forgotten."""

import asyncio
from pathlib import Path

import msgspec

from actors.gateway.lock import CURRENT_FILE, Current
from actors.market_data.announce import AGAIN_WIRE_S, Announcer
from actors.market_data.state import KnownMarket
from checkpoints.storage import LocalStorage
from tests.actors.market_data.builders import BTC_5M, BTC_15M, market

NOW, NEXT, LONG = market(), market(BTC_5M, 300_000), market(BTC_15M)


class FakeGateway:
    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[str, ...]]] = []
        self.refuses = False

    async def warm(self, condition_id: str, token_ids: tuple[str, ...]) -> bool:
        if self.refuses:
            return False
        self.told.append((condition_id, token_ids))
        return True


class Scene:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.gateway = FakeGateway()
        self.now_s = 3.0
        """A monotonic clock may be young: nothing may be taken as told at its zero."""
        self.announcer = Announcer(str(root), self.gateway, lambda: self.now_s)

    def serve(self, name: str, generation: int) -> None:
        data = msgspec.json.encode(Current(name=name, generation=generation))
        LocalStorage(self.root).write(CURRENT_FILE, data)

    def deliver(self, *markets: KnownMarket) -> list[str]:
        """Tell, and return the markets that the gateway heard of."""
        self.gateway.told.clear()
        asyncio.run(self.announcer.deliver(markets))
        return [condition_id for condition_id, _ in self.gateway.told]


def test_each_market_is_told_once_with_its_tokens_and_the_next_close_first(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.serve("gateway/1", 1)
    assert scene.deliver(LONG, NEXT, NOW) == [m.condition_id for m in (NOW, NEXT, LONG)]
    assert scene.gateway.told[0] == (NOW.condition_id, NOW.token_ids)
    assert scene.deliver(LONG, NEXT, NOW) == []


def test_a_gateway_that_is_new_is_told_everything(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.serve("gateway/1", 1)
    scene.deliver(NOW)
    scene.serve("gateway/1", 2)
    assert scene.deliver(NOW) == [NOW.condition_id]
    scene.serve("gateway/2", 3)
    assert scene.deliver(NOW) == [NOW.condition_id]


def test_what_was_told_long_ago_is_told_again(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.deliver(NOW)
    scene.now_s += AGAIN_WIRE_S
    assert scene.deliver(NOW) == [NOW.condition_id]


def test_a_refusal_ends_the_round_and_is_asked_again(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.gateway.refuses = True
    assert scene.deliver(NOW, NEXT) == []
    scene.gateway.refuses = False
    assert scene.deliver(NOW, NEXT) == [NOW.condition_id, NEXT.condition_id]
