"""Frames of the price socket, and the one credential that is kept for it."""

import asyncio
import json
import logging
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.config import Venue
from actors.feeds.http import Malformed
from actors.feeds.price_credential import (
    Credential,
    CredentialError,
    PriceLogin,
    credential_file,
    read_credential,
    write_credential,
)
from actors.feeds.price_frames import Answer, Averages, Sequences, read_price_frame, subscriptions
from actors.market_data.events import (
    TicksReceived,
)
from signals.market import Asset
from tests.actors.market_data.builders import T0, ticks
from tests.actors.market_data.recordings import fixture
from tests.actors.market_data.test_feed_forms import VENUE
from tests.actors.venue.loopback import Answer as Served
from tests.actors.venue.loopback import loopback

LIMIT_S = 60.0
KEPT = Credential(
    host=VENUE.clob_url, private_key="0x" + "11" * 32, api_key="k", secret="s", passphrase="p"
)

# ---- frames -------------------------------------------------------------------------------------


def point(
    ms: int = T0, value: float | None = 91_000.25, text: str | None = "91000.25000000"
) -> Any:
    return {"timestamp": ms, "value": value, "full_accuracy_value": text}


def frame(payload: dict[str, Any] | None = None, seq: int | None = 1, **fields: Any) -> bytes:
    told: dict[str, Any] = {"symbol": "btcusd", "source": "chainlink", "window_seconds": 60}
    told |= point() if payload is None else payload
    return json.dumps(
        {"v": 1, "channel": "price.crypto.twap", "seq": seq, "ts": T0, "payload": told} | fields
    ).encode()


def test_an_update_and_a_history_are_read_in_full_accuracy() -> None:
    found = read_price_frame(frame())
    assert isinstance(found, Averages)
    assert found.received == TicksReceived(asset=Asset.BTC, ticks=ticks((0, 91_000.25)))
    many = read_price_frame(
        frame(
            {"symbol": "ZECUSD", "data": [point(T0), point(T0 + 1_000, 5.0, None)]}, snapshot=True
        )
    )
    assert isinstance(many, Averages)
    assert many.received.asset is Asset.ZEC
    assert many.received.ticks.twap == (91_000.25, 5.0)


@pytest.mark.parametrize(
    "payload",
    [
        point() | {"symbol": "pe-pe usd"},
        point() | {"symbol": "btc"},
        point() | {"symbol": "btceur"},
        point() | {"source": "pyth"},
        point() | {"window_seconds": 30},
        point(value=None, text=None),
        point(value=0.0, text="0"),
        point(value=None, text="NaN"),
        point(value=None, text="inf"),
        point(value=None, text="x"),
        point(value=None, text="91000250000000000000000e999990"),
        point(value=91_000.25, text="91000250000000000000000"),
        point(value=-1.0, text=None),
        {"timestamp": None, "value": 1.0},
        {"timestamp": -5, "value": 1.0},
        {"timestamp": 10**30, "value": 1.0},
        {"data": [point(), {"value": 1.0}]},
    ],
    ids=repr,
)
def test_a_price_of_another_world_is_malformed(payload: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read_price_frame(frame(payload))


@pytest.mark.parametrize("told", [b"", b"PONG", b"<html>", b"[" * 5_000, b"\xff", b"[]", b"5"])
def test_what_is_no_frame_is_malformed(told: bytes) -> None:
    with pytest.raises(Malformed):
        read_price_frame(told)


@given(st.binary(max_size=200), st.none() | st.floats() | st.text() | st.integers())
def test_no_bytes_make_the_reader_raise_anything_else(told: bytes, value: Any) -> None:
    for body in (told, frame(point(value=value)), frame(seq=value), frame({"data": value})):
        try:
            read_price_frame(body)
        except Malformed:
            continue


def test_other_channels_say_nothing_and_answers_are_told_apart() -> None:
    assert read_price_frame(frame(channel="price.crypto")) is None
    assert read_price_frame(b'{"op":"authed","rid":"a1"}') == Answer("authed")
    refused = read_price_frame(b'{"op":"error","code":"auth_required"}')
    assert refused == Answer("error", "auth_required")


@pytest.mark.data
def test_documented_frames_are_read() -> None:
    for line in fixture("polymarket/DOCS_polybolt.jsonl").read_text().splitlines():
        row = json.loads(line)
        found = read_price_frame(row["raw"].encode())
        assert found is None or isinstance(found, Answer), "price.crypto is not what settles"
        if row["case"] == "update_dropped":
            body = json.loads(row["raw"]) | {"channel": "price.crypto.twap"}
            read = read_price_frame(json.dumps(body).encode())
            assert isinstance(read, Averages)
            assert read.dropped == 3
    [asked] = [
        json.loads(json.loads(line)["raw"])
        for line in fixture("polymarket/DOCS_polybolt.jsonl").read_text().splitlines()
        if "client_subscribe" in line
    ]
    assert json.loads(subscriptions(tuple(Asset))) == asked


def numbered(*rows: tuple[str, int]) -> list[int]:
    found = Sequences()
    lost = []
    for symbol, number in rows:
        read = read_price_frame(frame(point() | {"symbol": symbol}, seq=number))
        assert isinstance(read, Averages)
        lost.append(found.lost(read))
    return lost


def test_a_missing_number_is_a_gap_whether_a_channel_or_each_symbol_is_numbered() -> None:
    channel = [("btcusd", 1), ("ethusd", 2), ("btcusd", 3), ("ethusd", 6)]
    assert numbered(*channel) == [0, 0, 0, 2]
    symbols = [("btcusd", 7), ("ethusd", 900), ("btcusd", 8), ("ethusd", 901), ("btcusd", 11)]
    assert numbered(*symbols)[-1] == 2
    assert numbered(*symbols)[2:4] == [0, 0]


# ---- the kept credential ------------------------------------------------------------------------


def test_the_credential_is_kept_for_its_owner_only_and_read_again(tmp_path: Path) -> None:
    file = credential_file(str(tmp_path / "storage"))
    assert file.parent == tmp_path, "beside the storage, which is copied as evidence"
    assert read_credential(file) is None
    write_credential(file, KEPT)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_credential(file) == KEPT
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_credential_that_others_may_read_or_that_is_no_plain_file_is_refused(
    tmp_path: Path,
) -> None:
    file = tmp_path / "credential"
    write_credential(file, KEPT)
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        with pytest.raises(CredentialError, match="others may read"):
            read_credential(file)
    file.unlink()
    for make, told in (
        (lambda: file.symlink_to("/etc/hostname"), "cannot be read"),
        (lambda: os.mkfifo(file, 0o600), "not a file of this user"),
        (lambda: file.mkdir(0o700), "not a file of this user"),
        (lambda: (file.write_text("{"), file.chmod(0o600)), "damaged"),
        (lambda: (file.write_text("[" * 9_000), file.chmod(0o600)), "damaged"),
    ):
        make()
        with pytest.raises(CredentialError, match=told):
            read_credential(file)
        file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()


def test_a_credential_of_another_owner_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_credential(tmp_path / "c", KEPT)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(CredentialError, match="not a file of this user"):
        read_credential(tmp_path / "c")


def test_nothing_of_a_credential_is_in_its_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        told = f"{KEPT} {KEPT!r} {[KEPT]}"
    assert KEPT.private_key not in told
    assert told.count("host=") == 3


def test_one_credential_serves_all_lives_and_is_asked_again_with_the_same_key(
    tmp_path: Path,
) -> None:
    async def lives(venue: Venue) -> list[Credential]:
        first = PriceLogin(tmp_path / "c")
        found = [await first.credential(venue) for _ in range(3)]
        second = PriceLogin(tmp_path / "c")
        found.append(await second.credential(venue))
        await second.renew(venue)
        found.append(await second.credential(venue))
        return found

    with loopback() as exchange:
        exchange.answer("GET", "/auth/api-keys", Served({"apiKeys": ["key-1"]}))
        found = asyncio.run(lives(exchange.venue()))
        posts = [r for r in exchange.requests if r.path.startswith("/auth/api-key")]
    assert len({one.private_key for one in found}) == 1
    assert len([r for r in posts if r.method == "POST"]) == 2, "the first, and the renewal"
