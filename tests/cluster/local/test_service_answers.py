"""What the answers of exchanges, venue and prices mean to `doctor`."""

import asyncio

import pytest

from actors.market_data.sources.port import Cause, Instrument, Instruments, Refusal, SourceName
from cluster.local.findings import Verdict
from cluster.local.service_findings import (
    clock_finding,
    host_finding,
    markets_finding,
    prices_finding,
    region_finding,
    source_finding,
    sources_finding,
)
from cluster.local.services import region
from signals.market import Asset
from tests.actors.venue.loopback import Answer, loopback

TWO = (SourceName.OKX, SourceName.BYBIT)


@pytest.mark.parametrize(
    ("offset_ms", "trip_ms", "verdict"),
    [
        (0.0, 40.0, Verdict.OK),
        (250.0, 0.0, Verdict.OK),
        (-251.0, 0.0, Verdict.WARNING),
        (251.0, 200.0, Verdict.OK),  # the round trip may be all of it
        (1_001.0, 0.0, Verdict.FAULT),
        (-3_000.0, 100.0, Verdict.FAULT),
        (60_000.0, 4_000.0, Verdict.FAULT),
        (1_001.0, 10.0, Verdict.WARNING),
    ],
)
def test_a_clock_is_judged_by_the_median_less_half_of_the_round_trip(
    offset_ms: float, trip_ms: float, verdict: Verdict
) -> None:
    samples = [(offset_ms, trip_ms)] * 3 + [(9e9, trip_ms), (-9e9, trip_ms)]
    found = clock_finding({"okx": samples, "bybit": samples})
    assert found.verdict is verdict
    assert (verdict is Verdict.OK) == ("timedatectl" not in found.detail)


def test_one_exchange_alone_or_none_is_not_enough_to_trust_a_clock() -> None:
    assert clock_finding({"okx": [(0.0, 10.0)]}).verdict is Verdict.WARNING
    assert clock_finding({}).verdict is Verdict.FAULT


@pytest.mark.parametrize(
    ("status", "body", "verdict", "said"),
    [
        (200, b"1", Verdict.OK, "answers"),
        (404, b"", Verdict.OK, "answers"),
        (451, b"", Verdict.FAULT, "country"),
        (403, b"error code: 1010", Verdict.FAULT, "1010"),
        (403, b"The Amazon CloudFront distribution", Verdict.FAULT, "country"),
        (403, b"<html>no", Verdict.FAULT, "another network"),
        (418, b"", Verdict.FAULT, "banned"),
        (429, b"", Verdict.FAULT, "too many"),
        (425, b"", Verdict.FAULT, "restarts"),
        (500, b"", Verdict.WARNING, "trouble of its own"),
        (503, b"", Verdict.WARNING, "trouble of its own"),
    ],
)
def test_the_ways_in_which_a_host_refuses_are_told_apart(
    status: int, body: bytes, verdict: Verdict, said: str
) -> None:
    found = host_finding("venue", status, body, "IPv4")
    assert (found.verdict, said in found.detail) == (verdict, True)


def has(source: SourceName, *assets: Asset) -> Instruments:
    found = tuple(Instrument(source=source, asset=one, symbol=str(one)) for one in assets)
    return Instruments(source=source, found=found, absent=())


def test_an_asset_without_any_source_is_a_fault_and_an_absence_alone_is_none() -> None:
    two = (Asset.BTC, Asset.HYPE)
    spot, perp = has(SourceName.BINANCE_SPOT, Asset.BTC), has(SourceName.OKX, *two)
    assert source_finding("spot", spot, two).verdict is Verdict.NOTE
    assert "hype" in source_finding("spot", spot, two).detail
    assert sources_finding({"spot": spot, "okx": perp}, two).verdict is Verdict.OK
    assert sources_finding({"spot": spot, "coinbase": spot}, two).verdict is Verdict.FAULT
    down = Refusal(source=SourceName.OKX, cause=Cause.UNREACHABLE, reason="no answer")
    assert sources_finding({"spot": perp, "okx": down}, two).verdict is Verdict.WARNING
    assert sources_finding({"okx": down}, two).verdict is Verdict.FAULT


def test_markets_that_disagree_are_named_and_none_at_all_is_a_fault() -> None:
    assert markets_finding(128, {}).detail.startswith("128 of 128")
    some = markets_finding(128, {"btc-updown-5m-0": "twapEnabled False"})
    assert (some.verdict, "twapEnabled False" in some.detail) == (Verdict.WARNING, True)
    assert markets_finding(1, {"btc-updown-5m-0": "not listed"}).verdict is Verdict.FAULT


def test_prices_are_judged_by_the_age_of_each_asset() -> None:
    assert prices_finding({Asset.BTC: 900}).verdict is Verdict.OK
    assert prices_finding({Asset.BTC: 900, Asset.ZEC: None}).verdict is Verdict.WARNING
    assert prices_finding({Asset.BTC: 90_000, Asset.ZEC: None}).verdict is Verdict.FAULT
    assert prices_finding({}, "refused").verdict is Verdict.FAULT


def test_a_blocked_region_is_a_fault() -> None:
    assert region_finding(blocked=True, country="US").verdict is Verdict.FAULT
    assert region_finding(blocked=False, country="CH").verdict is Verdict.OK


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Answer({"blocked": True, "ip": "192.0.2.1", "country": "US"}), Verdict.FAULT),
        (Answer({"blocked": False, "country": "CH"}), Verdict.OK),
        (Answer({"blocked": "no"}), Verdict.WARNING),
        (Answer({}, hang_up=True), Verdict.WARNING),
    ],
)
def test_the_region_is_read_as_the_venue_says_it(answer: Answer, verdict: Verdict) -> None:
    with loopback() as served:
        served.answer("GET", "/api/geoblock", answer)
        found = asyncio.run(region(f"{served.url}/api/geoblock"))
    assert found.verdict is verdict
    assert "192.0.2.1" not in found.detail
