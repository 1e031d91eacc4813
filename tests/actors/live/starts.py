"""A live start as it should be; tests change one thing of it."""

from pathlib import Path
from typing import Any

import msgspec

from actors.config import FleetConfig, GateConfig, Mode, RiskLimits, SlotConfig, Venue
from actors.live.climb_state import Climb, Line, Phase
from actors.live.confirmation import Confirmed
from actors.live.refusals import Start, limits_as_text
from actors.live.risked import Risked, Store
from checkpoints.approved_releases import Coverage
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


def limits(**others: int) -> RiskLimits:
    return msgspec.structs.replace(LIMITS, **{name: MicroUsd(v) for name, v in others.items()})
