"""A whole gateway that serves while the gate's files change under it."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from actors.config import FleetConfig
from actors.gateway import session
from actors.gateway.events import RaiseAlarm
from actors.messages import (
    ClaimAnswer,
    ClaimRefused,
    Granted,
    IntentAnswer,
    IntentReceived,
    OpenAnswer,
    Opened,
    OpenRefused,
    decode,
    encode,
)
from actors.runtime import CONFIG_FILE, load_config
from checkpoints.alarms import AlarmStore
from checkpoints.approved_releases import mark_baked
from checkpoints.storage import LocalStorage
from cluster.gate.admission import Wish, admit
from cluster.gate.document import PlanDocument, store_plan
from cluster.gate.keys import store_approval
from tests.actors.gateway.builders import Machine, claim, intent, vacancy
from tests.actors.gateway.fake_venue import Book, FakeVenue
from tests.actors.gateway.shells import configure, current_intent, eventually, gateway, until
from tests.cluster.gate.builders import NOW_MS, approval, config, document, statement

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def closed(tmp_path: Path) -> FleetConfig:
    """Return the configuration of a fleet whose gate is closed; it is stored."""
    configure(tmp_path)
    fleet = replace(load_config(str(tmp_path)), gate=config(staged_permille=100).gate)
    (tmp_path / CONFIG_FILE).write_bytes(msgspec.json.encode(fleet))
    return fleet


def let_in(root: Path, made: PlanDocument) -> str:
    storage = LocalStorage(root)
    plan = store_plan(storage, made)
    store_approval(storage, approval(plan), statement(plan))
    admit(storage, config(), made, Wish(plan=plan, who="bob", wire_ms=NOW_MS + 1))
    return plan


def test_an_order_of_a_release_that_nothing_covers_is_refused_with_an_alarm() -> None:
    machine = Machine().start()
    machine.rules = replace(machine.rules, attested=frozenset({"other"}))
    machine.send(intent())
    assert machine.outbox() == ["IntentRefused"]
    (alarm,) = machine.asked(RaiseAlarm)
    assert isinstance(alarm, RaiseAlarm)
    assert alarm.kind == "unapproved_release"
    assert alarm.subject.startswith("btc-5m/")
    machine.send(intent(leg=1))
    assert machine.asked(RaiseAlarm) == [], "told once, not with every order"
    machine.tick(wire_ms=61_000)
    machine.send(intent(leg=2))
    assert len(machine.asked(RaiseAlarm)) == 1, "but again when it does not stop"


async def test_a_release_is_refused_until_its_plan_is_applied_while_the_gateway_serves(
    closed: FleetConfig, tmp_path: Path
) -> None:
    root = Path(closed.storage)
    made = document(LocalStorage(root), tmp_path, config())
    ask = encode(replace(vacancy(), release=made.to_release))
    async with gateway(root, FakeVenue(Book())) as shell:
        refused = decode(await shell.open_incarnation(ask), OpenAnswer)
        assert isinstance(refused, OpenRefused)
        assert "no approval covers" in refused.reason
        stray = claim(release="f0" * 32)
        answer = decode(await shell.claim(encode(stray)), ClaimAnswer)
        assert isinstance(answer, ClaimRefused)
        await eventually(lambda: bool(AlarmStore(LocalStorage(root)).latched()))
        let_in(root, made)
        opened = decode(await shell.open_incarnation(ask), OpenAnswer)
        assert opened == Opened(incarnation=1)
        granted = await shell.claim(encode(claim(release=made.to_release)))
        assert isinstance(decode(granted, ClaimAnswer), Granted)
    (alarm,) = AlarmStore(LocalStorage(root)).latched()
    assert (alarm.alarm.kind, alarm.alarm.severity) == ("unapproved_release", "critical")


async def test_a_release_trades_a_fraction_until_it_has_baked(
    closed: FleetConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5 USD of a slot limit of 50 USD, then all of it; nobody has to tell the gateway."""
    monkeypatch.setattr(session, "POLL_S", 0.05)
    root = Path(closed.storage)
    made = document(LocalStorage(root), tmp_path, config(staged_permille=100))
    plan = store_plan(LocalStorage(root), made)
    async with gateway(root, FakeVenue(Book())) as shell:
        staged = config(staged_permille=100)
        store_approval(LocalStorage(root), approval(plan), statement(plan))
        admit(LocalStorage(root), staged, made, Wish(plan=plan, who="b", wire_ms=NOW_MS + 1))
        ask = replace(vacancy(), release=made.to_release)
        await shell.open_incarnation(encode(ask))
        await shell.claim(encode(claim(release=made.to_release)))
        too_much = current_intent(release=made.to_release, shares=11_000_000)
        sent = decode(await shell.send(encode(too_much)), IntentAnswer)
        assert isinstance(sent, IntentReceived)
        page = await until(shell, "btc-5m", "IntentRefused")
        assert "at most 5000000 until its release has baked" in page.events[0].reason
        assert mark_baked(LocalStorage(root), plan, 192, NOW_MS)
        gateway_loop = shell._session.gateway_loop
        await eventually(lambda: not gateway_loop.rules.size_permille)
        again = current_intent(release=made.to_release, shares=11_000_000, leg=1)
        await shell.send(encode(again))
        await until(shell, "btc-5m", "OrderOpened")
