"""The gateway's own machine, fed by the gate's files: nobody else can let a release trade."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.gateway.market_events import Listing
from actors.gateway.market_facts import slug_of
from actors.gateway.risk import Approved, Refused, check
from actors.gateway.risk_case import Case
from actors.messages import ClaimRefused, Granted, Opened, OpenRefused
from checkpoints.approved_releases import CoverageReader
from checkpoints.storage import LocalStorage
from cluster.gate.admission import Wish, admit
from cluster.gate.document import PlanDocument, store_plan
from cluster.gate.keys import store_approval
from tests.actors.gateway.builders import DUE_MS, RULES, WIRE_MS, Machine, claim, intent, vacancy
from tests.actors.gateway.fake_venue import listed_market, token_book
from tests.actors.gateway.test_seats import ask_claim, ask_open
from tests.cluster.gate.builders import KEYS, NOW_MS, approval, config, document, statement


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


def planned(storage: LocalStorage, root: Path) -> tuple[str, PlanDocument]:
    made = document(storage, root)
    plan = store_plan(storage, made)
    store_approval(storage, approval(plan), statement(plan))
    return plan, made


def let_in(storage: LocalStorage, plan: str, made: PlanDocument, glass: str | None = None) -> None:
    admit(
        storage, config(), made, Wish(plan=plan, who="bob", wire_ms=NOW_MS + 1, break_glass=glass)
    )


def closed(machine: Machine, reader: CoverageReader) -> Machine:
    machine.rules = replace(RULES, attested=reader.read().releases)
    return machine


def open_and_claim(machine: Machine, release: str) -> tuple[object, object]:
    opened = ask_open(machine, replace(vacancy(), release=release))
    return opened, ask_claim(machine, claim(release=release))


def verdict(machine: Machine, release: str) -> Approved | Refused:
    an_intent = intent(release=release)
    market = listed_market(slug_of(an_intent.intent_id))
    return check(
        Case(
            intent=an_intent,
            ledger=machine.state.ledger,
            rules=machine.rules,
            wire_ms=WIRE_MS,
            market_ms=DUE_MS + 100,
            listing=Listing(market=market, wire_ms=WIRE_MS),
            book=token_book(an_intent.token_id),
        )
    )


def test_an_approved_release_gets_its_fence_when_its_plan_is_applied_not_before(
    storage: LocalStorage, tmp_path: Path
) -> None:
    plan, made = planned(storage, tmp_path)
    reader, machine = CoverageReader(storage, KEYS), Machine()
    opened, claimed = open_and_claim(closed(machine, reader), made.to_release)
    assert isinstance(opened, OpenRefused)
    assert "no approval covers" in opened.reason
    assert isinstance(claimed, ClaimRefused)
    let_in(storage, plan, made)
    opened, claimed = open_and_claim(closed(machine, reader), made.to_release)
    assert opened == Opened(incarnation=1)
    assert isinstance(claimed, Granted)
    assert isinstance(verdict(machine, made.to_release), Approved)


def test_orders_stop_when_the_operators_key_is_taken_away(
    storage: LocalStorage, tmp_path: Path
) -> None:
    plan, made = planned(storage, tmp_path)
    let_in(storage, plan, made)
    machine = closed(Machine(), CoverageReader(storage, KEYS))
    open_and_claim(machine, made.to_release)
    refused = verdict(closed(machine, CoverageReader(storage, {})), made.to_release)
    assert isinstance(refused, Refused)
    assert refused.code == "unattested"


def test_a_release_forced_in_trades_and_is_known_as_forced(
    storage: LocalStorage, tmp_path: Path
) -> None:
    made = document(storage, tmp_path)
    let_in(storage, store_plan(storage, made), made, glass="the old one loses money")
    reader = CoverageReader(storage, KEYS)
    machine = closed(Machine(), reader)
    assert isinstance(open_and_claim(machine, made.to_release)[1], Granted)
    assert reader.read().forced == {made.to_release}
