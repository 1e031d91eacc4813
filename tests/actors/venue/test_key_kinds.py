"""A key that may have money and one that is worth nothing are never taken for each other."""

from pathlib import Path

import msgspec
import pytest

from actors.config import FleetConfig, Mode, RiskLimits, SlotConfig, SlotSettings, Venue
from actors.venue.connect import adapter_of
from actors.venue.key_kinds import OWN_FILE, is_throw_away, key_problem, new_throw_away_key
from actors.venue.keys import PrivateKeyError, load_private_key
from actors.venue.kinds import VenueKind, address_problem, kind_of
from cluster.local.private_key import ensure_sandbox_key
from tests.actors.live.starts import live_config, venue
from tests.actors.venue.test_storage_mark import config

REAL = "0x" + "11" * 32
HERE, THERE = "http://127.0.0.1:9", "https://venue.example"


def fleet(kind: VenueKind, folder: Path) -> FleetConfig:
    match kind:
        case VenueKind.LIVE:
            return live_config(folder, venue=venue(THERE))
        case VenueKind.REHEARSAL:
            return live_config(folder, venue=venue(HERE))
        case _:
            return config(folder, Mode(kind.value))


def with_key(plain: FleetConfig, file: Path, key: str) -> FleetConfig:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(key)
    file.chmod(0o600)
    named = msgspec.structs.replace(plain.venue, private_key_file=str(file))
    return msgspec.structs.replace(plain, venue=named)


@pytest.mark.parametrize("kind", [VenueKind.SANDBOX, VenueKind.LIVE, VenueKind.REHEARSAL])
def test_each_kind_takes_its_own_kind_of_key(kind: VenueKind, tmp_path: Path) -> None:
    plain = fleet(kind, tmp_path / "storage")
    assert kind_of(plain) is kind
    for key in (REAL, new_throw_away_key()):
        said = key_problem(plain, key)
        assert (said is None) is (is_throw_away(key) is not kind.trades_real_money)
        assert said is None or key.removeprefix("0x") not in said
    wrong = new_throw_away_key() if kind.trades_real_money else REAL
    copied = with_key(plain, tmp_path / "elsewhere", wrong)
    with pytest.raises(PrivateKeyError, match="throw-away key"):
        adapter_of(copied).check_key(copied)


def test_a_sandbox_of_an_older_release_keeps_its_own_key(tmp_path: Path) -> None:
    plain = fleet(VenueKind.SANDBOX, tmp_path / "storage")
    own = with_key(plain, tmp_path / OWN_FILE, REAL)
    assert key_problem(own, REAL) is None
    rehearsed = with_key(
        fleet(VenueKind.REHEARSAL, tmp_path / "storage"), tmp_path / OWN_FILE, REAL
    )
    assert key_problem(rehearsed, REAL) is not None, "a rehearsal has no older release"


def test_a_generated_key_is_a_key_private_and_known_wherever_it_is_copied(tmp_path: Path) -> None:
    file = tmp_path / OWN_FILE
    ensure_sandbox_key(file, used=False)
    assert file.stat().st_mode & 0o077 == 0
    named = Venue(**dict.fromkeys(URLS, HERE), private_key_file=str(file))
    assert is_throw_away(load_private_key(named))
    assert not is_throw_away(REAL)
    assert new_throw_away_key() != new_throw_away_key()


URLS = [
    name
    for name in Venue.__struct_fields__
    if name.endswith("_url") and name not in ("binance_url", "region_url")
]


@pytest.mark.parametrize("field", URLS)
def test_no_address_of_a_live_fleet_is_mixed(field: str, tmp_path: Path) -> None:
    for usual, other in ((HERE, THERE), (THERE, HERE)):
        mixed = venue(usual, **{field: other})
        said = address_problem(live_config(tmp_path, venue=mixed))
        assert said is not None
        assert field in said
    assert address_problem(live_config(tmp_path, venue=venue(THERE))) is None
    assert address_problem(live_config(tmp_path, venue=venue(HERE))) is None


def test_an_address_in_the_wrong_place_is_named_without_its_token(tmp_path: Path) -> None:
    node = "https://node.example/v2/S3CRET"
    for mode in (Mode.LIVE, Mode.SANDBOX):
        said = address_problem(live_config(tmp_path, mode=mode, venue=venue(HERE, rpc_url=node)))
        assert said is not None
        assert "venue.rpc_url is https://node.example:" in said


def test_a_host_that_only_looks_like_this_machine_is_away(tmp_path: Path) -> None:
    for url in ("http://127.0.0.1.example", "http://localhost.example", "x", "http://[bad"):
        assert kind_of(live_config(tmp_path, venue=venue(url))) is VenueKind.LIVE


def test_what_a_release_brings_along_reaches_no_limit(tmp_path: Path) -> None:
    plain = live_config(tmp_path)
    greedy = SlotSettings(
        slots=(SlotConfig(slot="btc-5m", params={"sizing.market_usd_max": 10_000.0}),),
        params_set={"sizing.market_usd_max": 10_000.0},
    )
    under = plain.under(greedy)
    for field in FleetConfig.__struct_fields__:
        if field not in ("slots", "params_set"):
            assert getattr(under, field) == getattr(plain, field), field
    assert set(SlotSettings.__struct_fields__) == {"slots", "params_set"}
    assert not set(SlotConfig.__struct_fields__) & set(RiskLimits.__struct_fields__)
