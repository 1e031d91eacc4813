"""What is taken from the private side of the SDK, checked with exactly one version of it."""

import dataclasses
from importlib.metadata import version

import pytest
from polymarket._internal.environment import PRODUCTION_CONFIG, get_environment_config

from actors.config import Venue
from actors.venue.polymarket.environment import (
    CHECKED_SDK_VERSION,
    is_production,
    is_protocol_v2,
    venue_environment,
)

LOOPBACK = "http://127.0.0.1:9"


def venue(clob_url: str = LOOPBACK) -> Venue:
    return Venue(
        clob_url=clob_url,
        gamma_url=f"{LOOPBACK}/gamma",
        data_url=f"{LOOPBACK}/data",
        relayer_url=f"{LOOPBACK}/relayer",
        market_ws_url="ws://127.0.0.1:9/market",
        user_ws_url="ws://127.0.0.1:9/user",
        prices_ws_url="ws://127.0.0.1:9/prices",
        binance_url=f"{LOOPBACK}/binance",
    )


def test_the_installed_sdk_is_the_version_that_was_checked() -> None:
    """If this fails: run the tests of this folder with the new version, then change the name."""
    assert version("polymarket-client") == CHECKED_SDK_VERSION


def test_away_from_production_no_address_leads_out() -> None:
    config = get_environment_config(venue_environment(venue()))
    addresses = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.name.endswith("_url")
    }
    assert len(addresses) >= 16
    assert all("//127.0.0.1:9" in url for url in addresses.values()), addresses


def test_production_keeps_every_address_that_is_not_configured() -> None:
    real = venue(PRODUCTION_CONFIG.clob_url)
    assert is_production(real)
    config = get_environment_config(venue_environment(real))
    assert config.rpc_url == PRODUCTION_CONFIG.rpc_url
    assert config.standard_exchange == PRODUCTION_CONFIG.standard_exchange
    assert config.chain_id == 137


@pytest.mark.parametrize(
    ("token_id", "expected"),
    [
        (str(int("01" + "ab" * 18 + "00" * 8 + "0000000001", 16)), True),
        ("113284799581609751589891550166136992389699845333635525538167662371764318518311", False),
        ("48265563723288791013647874716778794965875981985781900232388978043327398639215", False),
    ],
)
def test_the_kind_of_a_token_id_is_in_its_bits(token_id: str, expected: object) -> None:
    assert is_protocol_v2(token_id) is expected
