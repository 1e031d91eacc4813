"""A live start as it should be; tests change one thing of it."""

from pathlib import Path
from typing import Any

import msgspec

from actors.config import FleetConfig, GateConfig, Mode, RiskLimits, SlotConfig, Venue
from actors.live.climb_state import Climb, Line, Phase
from actors.live.climb_store import store_climb
from actors.live.confirmation import Confirmed, put_in_force
from actors.live.guard import start_of
from actors.live.refusals import Start, limits_as_text
from actors.live.risked import Risked, Store
from checkpoints.approvals import (
    APPLIED,
    FIRST,
    PLANS,
    Application,
    PlanFacts,
    PlanValue,
    digest_of,
)
from checkpoints.approved_releases import Coverage
from checkpoints.records import canonical_json
from checkpoints.storage import LocalStorage
from signals.market_time import MarketClock
from signals.params import load_params
from signals.units import MicroUsd

RELEASE = "a" * 64
WALLET = "0x" + "Ab" * 20
LIMITS = RiskLimits(
    order_micro_usd=MicroUsd(5_000_000),
    slot_exposure_micro_usd=MicroUsd(10_000_000),
    fleet_exposure_micro_usd=MicroUsd(50_000_000),
    daily_loss_micro_usd=MicroUsd(20_000_000),
)
URLS = tuple(name for name in Venue.__struct_fields__ if name.endswith("_url"))
STORE = Store(path="/state/storage", id="1" * 32, machine="m")


def venue(url: str = "https://venue.example", **others: Any) -> Venue:
    return Venue(**{**dict.fromkeys(URLS, url), **others})


def live_config(storage: Path | str = "/state/storage", **others: Any) -> FleetConfig:
    plain = FleetConfig(
        mode=Mode.LIVE,
        storage=str(storage),
        clock=MarketClock(speed=1),
        venue=venue(wallet=WALLET),
        slots=(SlotConfig(slot="btc-5m"),),
        params=load_params(""),
        risk=LIMITS,
        gate=GateConfig(operator_keys={"ann": "c" * 64}),
    )
    return msgspec.structs.replace(plain, **others)


def risked(**others: Any) -> Risked:
    plain = Risked(
        venue="venue.example", wallet=WALLET, limits=LIMITS, release=RELEASE, store=STORE
    )
    return msgspec.structs.replace(plain, **others)


def climbed(**others: Any) -> Climb:
    line = Line(venue="venue.example", wallet=WALLET, store=STORE.id, code="any")
    plain = Climb(line=line, phase=Phase.DONE, done_wire_ms=1)
    return msgspec.structs.replace(plain, **others)


def start(**others: Any) -> Start:
    """Return a start that was let in and confirmed."""
    plain = Start(
        config=live_config(),
        risked=risked(),
        covered=Coverage(releases=frozenset({RELEASE}), limits=limits_as_text(LIMITS)),
        confirmed=Confirmed(risked=risked(), typed="ababab 50", who="ann", wire_ms=1),
        climbed=climbed(),
    )
    return msgspec.structs.replace(plain, **others)


def confirm_here(config: FleetConfig, release: str) -> None:
    """Write what a fleet's storage holds of a start that was let in, confirmed and climbed."""
    storage = LocalStorage(Path(config.storage))
    named = limits_as_text(config.risk)
    facts = PlanFacts(
        to_release=release,
        change_class=FIRST,
        params=tuple(PlanValue(key=key, after=value) for key, value in named.items()),
    )
    plan = digest_of(canonical_json(facts))
    applied = Application(
        plan=plan,
        to_release=release,
        applied_wire_ms=1,
        who="ann",
        approval=None,
        break_glass="a test",
    )
    storage.write(f"{PLANS}/{plan}.json", canonical_json(facts))
    storage.write(f"{APPLIED}/{plan}.json", canonical_json(applied))
    begun = start_of(config, release)
    put_in_force(storage, Confirmed(risked=begun.risked, typed="ababab 50", who="ann", wire_ms=1))
    store_climb(storage, climbed(line=begun.line("any")))


def limits(**others: int) -> RiskLimits:
    return msgspec.structs.replace(LIMITS, **{name: MicroUsd(v) for name, v in others.items()})
