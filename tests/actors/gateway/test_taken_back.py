"""A gateway that fails again and again is taken back: real shells on one folder, no cluster."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.config import FleetConfig
from actors.gateway.actor import Gateway
from actors.gateway.authority import serving
from actors.gateway.holder import heir
from actors.gateway.status import GatewayStatus
from actors.messages import decode
from actors.rollout.succession import Succession, remember
from actors.runtime import wire_ms
from actors.supervisor.events import CreateShared, GatewaySeen, RolloutSeen
from actors.supervisor.fleet_port import Missing, Silent
from actors.supervisor.shared import bring_back
from actors.supervisor.state import GATEWAY
from checkpoints.storage import LocalStorage
from tests.actors.gateway.fake_venue import Book, FakeVenue
from tests.actors.gateway.shells import WAIT_S, configure, eventually
from tests.actors.supervisor.test_shared_watch import BAD, GOOD, Watch


class ShellFleet:
    """`FleetPort` over shells of this process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.book = Book()
        self.shells: dict[str, Any] = {}
        self.created: list[tuple[str, str]] = []

    def start(self, name: str) -> Any:
        async def connect(_config: FleetConfig, _timeout_s: float) -> FakeVenue:
            return FakeVenue(self.book)

        kind = type("Shell", (Gateway,), {"connect": staticmethod(connect)})
        self.shells[name] = kind(str(self.root), name)
        return self.shells[name]

    async def ask(self, actor: str, method: str) -> bytes | Missing | Silent:
        if actor not in self.shells:
            return Missing()
        return bytes(await getattr(self.shells[actor], method)())

    async def create_shared(self, kind: str, number: int, release: str) -> str | None:
        self.created.append((f"{kind}/{number}", release))
        self.start(f"{kind}/{number}")
        return None

    async def end_actor(self, actor: str) -> bool:
        await self.shells.pop(actor).cut_off()
        return True


async def status(shell: Any) -> GatewayStatus:
    return decode(await shell.status(), GatewayStatus)


async def fail_again_and_again(shell: Any) -> None:
    """Have every life of a gateway fail soon after it serves, as a bad step does."""
    while True:
        await asyncio.sleep(0.02)
        gateway_loop = shell._session.gateway_loop
        if (
            shell._phase() == "serving"
            and gateway_loop is not None
            and gateway_loop.failure is None
        ):
            gateway_loop.deliver(object())


def test_a_gateway_that_fails_at_its_work_gives_the_authority_to_the_release_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "RESTART_MS", 50)
    asyncio.run(_taken_back(tmp_path))


async def _taken_back(root: Path) -> None:
    configure(root)
    storage, fleet = LocalStorage(root), ShellFleet(root)
    bad = fleet.start("gateway/2")
    await eventually(lambda: bad._phase() == "serving")
    brought = Succession(
        kind=GATEWAY,
        name="gateway/2",
        release=BAD,
        before_name="gateway/1",
        before_release=GOOD,
        wire_ms=int(wire_ms()),
    )
    remember(storage, brought)
    watch = Watch(GATEWAY)
    failing = asyncio.create_task(fail_again_and_again(bad))
    back = await _back_asked(watch, bad)
    pair = (back.bad, back.release)
    done = await bring_back(fleet, storage, back.who, pair, back.reason)  # type: ignore[arg-type]
    failing.cancel()
    assert done == f"gateway/3 serves under {GOOD[:12]}"
    good = fleet.shells["gateway/3"]
    await eventually(lambda: good._phase() == "serving")
    assert heir(storage) == "gateway/3"
    assert fleet.created == [("gateway/3", GOOD)]
    assert (await status(good)).phase == "serving"
    await good.cut_off()


async def _back_asked(watch: Watch, bad: Any) -> CreateShared:
    """Let the supervisor look once a second of its own time, until it asks for the way back."""
    async with asyncio.timeout(WAIT_S):
        while not watch.backs:
            seen = await status(bad)
            watch.poll(GatewaySeen, status=msgspec.structs.replace(seen, release=BAD))
            watch.apply(RolloutSeen, rollout=None, replaced_shared={GATEWAY: (BAD, GOOD)})
            await asyncio.sleep(0.1)
    return watch.backs[0]
