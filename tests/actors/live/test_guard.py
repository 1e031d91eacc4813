"""Gateway and redeemer reach a live venue only where a person has confirmed this very start."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from actors.config import FleetConfig, Mode
from actors.live import confirmation, guard
from actors.live.guard import connect_confirmed, connect_redeeming_confirmed
from actors.venue.port import Rejected, Unknown
from checkpoints.storage import LocalStorage
from tests.actors.live.starts import RELEASE, confirm_here, limits, live_config

OPENED = Unknown(reason="the venue was asked")
Way = Callable[[FleetConfig, float], Awaitable[object]]
WAYS = (connect_confirmed, connect_redeeming_confirmed)


@pytest.fixture(autouse=True)
def _no_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    async def opened(_config: FleetConfig, _timeout_s: float) -> Unknown:
        return OPENED

    for name in ("connect", "connect_redeeming"):
        monkeypatch.setattr(guard, name, opened)
    monkeypatch.setattr(guard, "release_loaded", lambda _root: RELEASE)


def asked(way: Way, config: FleetConfig) -> object:
    return asyncio.run(way(config, 1.0))  # type: ignore[arg-type]


def stopped(config: FleetConfig) -> FleetConfig:
    confirmation.end(LocalStorage(Path(config.storage)))
    return config


def copied(config: FleetConfig) -> FleetConfig:
    """Return a copy of the whole storage, as on another machine with the same wallet."""
    there, here = LocalStorage(Path(config.storage).with_name("copy")), Path(config.storage)
    for file in filter(Path.is_file, here.rglob("*")):
        there.write(str(file.relative_to(here)), file.read_bytes())
    return msgspec.structs.replace(config, storage=str(there.root))


def raised(config: FleetConfig) -> FleetConfig:
    more = limits(fleet_exposure_micro_usd=2 * config.risk.fleet_exposure_micro_usd)
    return msgspec.structs.replace(config, risk=more)


@pytest.mark.parametrize("way", WAYS)
def test_a_confirmed_start_opens_its_venue(way: Way, tmp_path: Path) -> None:
    config = live_config(tmp_path / "storage")
    confirm_here(config, RELEASE)
    assert asked(way, config) == OPENED


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("change", [stopped, copied, raised])
def test_what_was_not_confirmed_asks_no_live_venue(
    way: Way, change: Callable[[FleetConfig], FleetConfig], tmp_path: Path
) -> None:
    config = live_config(tmp_path / "storage")
    confirm_here(config, RELEASE)
    assert isinstance(asked(way, change(config)), Rejected)


@pytest.mark.parametrize("way", WAYS)
def test_another_release_than_the_gate_let_in_asks_no_live_venue(way: Way, tmp_path: Path) -> None:
    config = live_config(tmp_path / "storage")
    confirm_here(config, "b" * 64)
    found = asked(way, config)
    assert isinstance(found, Rejected)
    assert "no plan that was applied covers release" in found.message


@pytest.mark.parametrize("way", WAYS)
def test_a_fleet_without_real_orders_needs_no_confirmation(way: Way, tmp_path: Path) -> None:
    assert asked(way, live_config(tmp_path, mode=Mode.SANDBOX)) == OPENED
