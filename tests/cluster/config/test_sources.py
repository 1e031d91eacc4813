"""`sources` of a paper file: which exchanges serve, in which order."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.config import Mode, Venue
from actors.market_data.sources.addresses import REAL, SourceAddress
from actors.market_data.status import where_from
from cluster.config.errors import ConfigError
from cluster.config.load import Deployment, read_config
from cluster.config.sources import sources_of
from cluster.local.modes import PAPER_FILE
from signals.market_time import MarketClock

STAND_INS = tuple(
    SourceAddress(
        name=one.name, rest_url=f"http://127.0.0.1:9/{one.name}", socket_url="ws://127.0.0.1:9"
    )
    for one in REAL
)


def read(names: Any, stand_ins: tuple[SourceAddress, ...] = ()) -> tuple[SourceAddress, ...]:
    document = {} if names is None else {"sources": names}
    return sources_of("paper.toml", document, Mode.PAPER, stand_ins)


def test_without_the_key_all_serve_in_the_usual_order() -> None:
    assert read(None) == REAL
    assert read(None, STAND_INS) == STAND_INS
    assert sources_of("sandbox.toml", {}, Mode.SANDBOX, STAND_INS) == ()


def test_the_files_order_counts_and_stand_ins_go_before_real_addresses() -> None:
    assert [one.name for one in read(["bybit", "okx"])] == ["bybit", "okx"]
    for entry in ("okx", {"name": "okx", "rest_url": "http://a", "socket_url": "ws://a"}):
        (found,) = read([entry], STAND_INS)
        assert found.rest_url == "http://127.0.0.1:9/okx"
    (own,) = read([{"name": "okx", "rest_url": "http://a", "socket_url": "ws://a"}])
    assert own.rest_url == "http://a"
    assert read(["okx"], read(["bybit", "okx"])) == read(["okx"]), "what a running fleet has"


@pytest.mark.parametrize(
    "names", [[], "okx", ["nowhere"], ["okx", "okx"], [5], [{"name": "okx"}], {"okx": 1}]
)
def test_anything_else_is_refused_by_its_key(names: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        read(names)
    assert "sources" in str(refused.value)


@pytest.mark.parametrize("names", [["coinbase"], ["binance_spot", "coinbase"]])
def test_sources_from_which_no_slot_could_decide_are_refused_with_what_is_missing(
    names: list[str],
) -> None:
    with pytest.raises(ConfigError, match=r"sources.*binance_usdm.*no funding"):
        read(names)
    assert len(read([*names, "okx"])) == len(names) + 1


def test_a_sandbox_has_no_such_list() -> None:
    with pytest.raises(ConfigError):
        sources_of("sandbox.toml", {"sources": ["okx"]}, Mode.SANDBOX, ())


# ---- the one service of a fleet without sources -------------------------------------------------

REAL_TIME = MarketClock(speed=1, anchor_wire_ms=0, anchor_market_ms=0)


def deployed(venue: dict[str, str]) -> Deployment:
    return Deployment(storage="/s", clock=REAL_TIME, venue=venue, private_key_file="/key")


@pytest.mark.parametrize("more", ["", 'binance_url = "https://fapi.binance.com"\n'])
def test_paper_needs_no_address_beside_its_sources_and_may_still_have_it(
    tmp_path: Path, more: str
) -> None:
    text = PAPER_FILE.read_text(encoding="utf-8")
    assert "binance_url" not in text
    file = tmp_path / "paper.toml"
    file.write_text(text.replace("[venue]\n", f"[venue]\n{more}"), encoding="utf-8")
    config = read_config(file, deployed({}))
    assert config.sources == REAL
    assert bool(config.venue.binance_url) is bool(more)
    assert where_from(config).startswith("paper: https://clob.polymarket.com, market time x1")


def test_a_fleet_with_neither_says_which_key_is_missing(tmp_path: Path) -> None:
    addresses = {field.name: "http://127.0.0.1:9" for field in msgspec.structs.fields(Venue)[:7]}
    file = tmp_path / "fleet.toml"
    file.write_text('mode = "sandbox"\n[slots]\nbtc-5m = {}\n')
    with pytest.raises(ConfigError, match=r"venue\.binance_url: must be an address"):
        read_config(file, deployed(addresses))
    found = read_config(file, deployed(addresses | {"binance_url": "http://127.0.0.1:9"}))
    assert found.sources == ()
