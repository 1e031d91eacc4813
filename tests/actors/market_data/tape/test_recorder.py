"""What market data saw is kept as a tape; a disk that fails stops nothing else."""

import asyncio
import io
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from actors.market_data.events import TicksReceived
from actors.market_data.state import MarketDataState
from actors.market_data.status import Provenance, market_data_status
from actors.market_data.step import step
from actors.market_data.tape import recorder as recording
from actors.market_data.tape.files import delete_old, write_rows
from actors.market_data.tape.first_frames import FirstFrames, stripped
from actors.market_data.tape.recorder import Recorder, recorder_of, tape_folder
from actors.market_data.tape.rows import TABLES, Marks, Place, Rows, book_rows, new_rows
from actors.supervisor.alarms import judge_feeds
from cluster.sandbox.prices.tape import load_tape
from cluster.tape.check import check_tape
from signals.market import Asset
from tests.actors.market_data.builders import T0, at, ticks
from tests.actors.market_data.journeys import warm_state
from tests.recorded import absent

DAY = "2026-01-01"
BTC = f"{DAY}/btc"


def ticked(state: MarketDataState, *pairs: tuple[int, float]) -> MarketDataState:
    return step(state, TicksReceived(asset=Asset.BTC, ticks=ticks(*pairs)), at(pairs[-1][0]))[0]


def rows_of(folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / name, partitioning=None).to_pylist()
    return rows


def test_only_what_is_new_is_written_and_a_new_life_writes_nothing_twice(tmp_path: Path) -> None:
    state, marks = warm_state(), Marks()
    first = new_rows(state, marks)
    assert {place.table for place in first} == set(TABLES) - {"books"}
    write_rows(tmp_path, first)
    assert new_rows(state, marks) == {}
    state = ticked(state, (2_000, 100.5))
    more = new_rows(state, marks)
    assert [row[1:] for rows in more.values() for row in rows] == [(T0 + 2_000, 100.5)]
    write_rows(tmp_path, more)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.parquet")}
    write_rows(tmp_path, new_rows(state, Marks()))  # another life knows nothing of it
    for path, data in before.items():
        after = pq.read_table(path, partitioning=None)
        assert after.num_rows == pq.read_table(io.BytesIO(data)).num_rows, path.name


def test_books_are_kept_once_a_change_with_their_best_levels(tmp_path: Path) -> None:
    state, marks = warm_state(), Marks()
    write_rows(tmp_path, book_rows(state, marks, T0 + 1_000))
    assert book_rows(state, marks, T0 + 2_000) == {}
    found = rows_of(tmp_path, f"{BTC}/books-00.parquet")
    tokens = {row["asset_id"] for row in found}
    assert tokens == {"up5m0", "down5m0", "up15m0", "down15m0"}
    book = state.books["up5m0"]
    [row] = [row for row in found if row["asset_id"] == "up5m0"]
    assert row["bid_p0"] == max(book.bids) / 1e6
    assert row["ask_p0"] == min(book.asks) / 1e6
    assert row["outcome"] == "Up"
    doubted = msgspec.structs.replace(book, contradicted="x", stamp_wire_ms=book.stamp_wire_ms + 1)
    state = msgspec.structs.replace(state, books={"up5m0": doubted})
    assert book_rows(state, marks, T0 + 3_000) == {}, "what is in doubt is on no tape"


def test_the_strike_of_a_window_is_written_when_it_becomes_known(tmp_path: Path) -> None:
    state, marks = warm_state(), Marks()
    write_rows(tmp_path, new_rows(state, marks))
    state = ticked(state, (0, 100.2), (1_000, 100.3))
    write_rows(tmp_path, new_rows(state, marks))
    found = {row["slug"]: row for row in rows_of(tmp_path, f"{BTC}/windows.parquet")}
    assert len(found) == 2
    assert all(row["price_to_beat"] is not None for row in found.values())


def test_an_own_day_is_a_tape_that_the_exchange_reads(tmp_path: Path) -> None:
    write_rows(tmp_path, new_rows(warm_state(), Marks()))
    days = sorted(path for path in tmp_path.iterdir())
    whole = load_tape(tmp_path)
    assert whole.candles["btc"].rows.shape[0] == 60
    assert whole.funding["btc"].market_ms.size
    for day in days:
        if list(day.glob("*/klines.parquet")) and list(day.glob("*/funding.parquet")):
            assert load_tape(day).candles["btc"].rows.shape[0]
    report = check_tape(tmp_path)
    assert not [lack for lack in report.lacks if lack.asset == "btc" and lack.series == "klines"]


def served_by(source: str) -> MarketDataState:
    state = warm_state()
    feeds = msgspec.structs.replace(state.feeds[Asset.BTC], source=source)
    return msgspec.structs.replace(state, feeds=state.feeds | {Asset.BTC: feeds})


@pytest.mark.parametrize(
    ("source", "venue"),
    [("", "binance_um_perp"), ("binance_usdm", "binance_um_perp"), ("okx", "okx")],
)
def test_a_candle_on_the_tape_names_the_source_that_served_it(
    tmp_path: Path, source: str, venue: str
) -> None:
    write_rows(tmp_path, new_rows(served_by(source), Marks()))
    days = tmp_path.glob("*/btc/klines.parquet")
    venues = {row["venue"] for day in days for row in rows_of(tmp_path, str(day))}
    assert venues == {venue}


def _five_minutes(source: str) -> Rows:
    """Return the tape's 5-minute candles as this source serves them."""
    found = new_rows(served_by(source), Marks())
    return {
        place: [row for row in rows if row[2] == "5m"]
        for place, rows in found.items()
        if place.table == "klines"
    }


def test_a_tape_of_two_sources_is_replayed_as_a_whole(tmp_path: Path) -> None:
    early, late = _five_minutes("binance_usdm"), _five_minutes("okx")
    write_rows(tmp_path, {place: rows[:-10] for place, rows in early.items()})
    write_rows(tmp_path, {place: rows[-10:] for place, rows in late.items()})
    assert load_tape(tmp_path).candles["btc"].rows.shape[0] == 60


@pytest.mark.parametrize("damage", ["flip", "cut", "zero"])
def test_no_damage_of_a_tape_file_is_read_as_data_or_stops_the_tape(
    tmp_path: Path, damage: str
) -> None:
    rows = new_rows(warm_state(), Marks())
    [place] = [place for place in rows if place.table == "open_interest"]
    write_rows(tmp_path, {place: rows[place]})
    path = tmp_path / place.path
    whole, wanted = path.read_bytes(), pq.read_table(path, partitioning=None)
    for at_byte in range(0, len(whole), 7):
        data = bytearray(whole)
        if damage == "flip":
            data[at_byte] ^= 0xFF
        elif damage == "cut":
            del data[at_byte:]
        else:
            data[at_byte : at_byte + 40] = bytes(len(data[at_byte : at_byte + 40]))
        path.write_bytes(data)
        write_rows(tmp_path, {place: rows[place][-1:]})
        aside = path.with_name(f"{path.name}.damaged")
        found = pq.read_table(path, partitioning=None)
        assert found.equals(wanted.slice(wanted.num_rows - 1) if aside.exists() else wanted)
        aside.unlink(missing_ok=True)


def test_a_file_that_the_disk_does_not_give_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = new_rows(warm_state(), Marks())
    write_rows(tmp_path, rows)
    before = sorted(tmp_path.rglob("*"))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(pq, "read_table", refuse)
    with pytest.raises(OSError, match="Input/output"):
        write_rows(tmp_path, rows)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_file_of_the_tape_is_kept_aside_and_written_anew(tmp_path: Path) -> None:
    rows = new_rows(warm_state(), Marks())
    write_rows(tmp_path, rows)
    [place] = [place for place in rows if place.table == "open_interest"]
    path = tmp_path / place.path
    path.write_bytes(b"PAR1 half")
    write_rows(tmp_path, {place: rows[place]})
    assert pq.read_table(path, partitioning=None).num_rows == len(rows[place])
    assert path.with_name(f"{path.name}.damaged").exists()


def test_days_that_are_over_for_long_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    for name in ("2025-12-17", "2025-12-18", "2025-12-31", DAY, "first", "notes"):
        (tmp_path / name).mkdir()
    assert delete_old(tmp_path, DAY, 14) == ["2025-12-17", "2025-12-18"]
    assert sorted(path.name for path in tmp_path.iterdir())[:2] == ["2025-12-31", DAY]
    assert delete_old(tmp_path / "none", DAY, 14) == []


def test_what_only_looks_like_an_old_day_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "2025-12-16").symlink_to(tmp_path / "kept")
    (tmp_path / "2025-12-15").write_text("notes")
    assert delete_old(tmp_path, DAY, 14) == []


# ---- trouble ------------------------------------------------------------------------------------


def run(recorder: Recorder, state: MarketDataState) -> None:
    async def once() -> None:
        recorder.gather(state)
        await recorder.write(T0 + 60_000)

    asyncio.run(once())


def full(_: Path) -> int:
    return 1_000_000


def test_little_room_stops_the_tape_and_nothing_else_and_it_goes_on_by_itself(
    tmp_path: Path,
) -> None:
    room = [1_000_000]
    recorder = Recorder(tmp_path / "tape", lambda _: room[0])
    state = warm_state()
    run(recorder, state)
    assert "MB are free" in recorder.trouble
    assert not list((tmp_path / "tape").rglob("*.parquet"))
    room[0] = 10**12
    run(recorder, ticked(state, (2_000, 100.5)))
    assert recorder.trouble == ""
    assert len(rows_of(tmp_path / "tape", f"{BTC}/ticks-00.parquet")) >= 2


def test_old_days_go_also_while_there_is_no_room(tmp_path: Path) -> None:
    (tmp_path / "2025-01-01").mkdir()
    run(
        Recorder(tmp_path, lambda _: 10**12 if not list(tmp_path.glob("2025*")) else 0),
        warm_state(),
    )
    assert list(tmp_path.rglob("*.parquet")), "the room that they took is used"


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        OSError("ZSTD decompression failed"),
        ValueError("odd"),
    ],
)
def test_whatever_a_write_raises_is_trouble_of_the_tape_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object) -> int:
        raise error

    monkeypatch.setattr(recording, "write_rows", refuse)
    recorder = Recorder(tmp_path / "tape", lambda _: 10**12)
    run(recorder, warm_state())
    assert "cannot be written" in recorder.trouble
    assert str(error.args[-1]) in recorder.trouble
    assert recorder.written == 0


def test_a_row_that_cannot_be_made_is_told_and_the_recording_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "POLL_S", 0.0)
    monkeypatch.setattr(recording, "WRITE_EVERY_LOOKS", 1)
    recorder = Recorder(tmp_path, lambda _: 10**12)
    told: list[str] = []

    def odd_once(state: MarketDataState, marks: Marks, market_ms: int) -> Rows:
        told.append(recorder.trouble)
        if len(told) == 1:
            raise KeyError("no such asset")
        return book_rows(state, marks, market_ms)

    monkeypatch.setattr(recording, "book_rows", odd_once)

    async def main() -> None:
        task = asyncio.create_task(recorder.run(warm_state, lambda: at(1_000)))
        async with asyncio.timeout(30):
            while not recorder.written and not task.done():  # noqa: ASYNC110 of another task
                await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(main())
    assert "no such asset" in told[1]
    assert recorder.written
    assert recorder.trouble == ""


def test_a_full_disk_under_the_first_frames_is_trouble_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FirstFrames, "offer", refuse)
    recorder = Recorder(tmp_path, lambda _: 10**12)
    recorder.frame("books", b"{}")
    assert "No space left" in recorder.trouble


def test_while_nothing_can_be_written_memory_is_bounded_and_the_oldest_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "ROWS_MAX", 80)
    recorder = Recorder(tmp_path, full)
    run(recorder, warm_state())
    kept = recorder._waiting
    assert sum(map(len, kept.values())) <= 80
    assert max(kept) == max(new_rows(warm_state(), Marks()))


def test_without_room_the_oldest_hour_goes_first_of_all_assets_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recording, "ROWS_MAX", 40)
    waiting: Rows = {}
    for sec in range(60):
        for hour, asset in ((sec // 30, "btc"), (sec // 30, "zec")):
            place = Place(day=DAY, asset=asset, table="books", hour=hour)
            waiting = recording._within_bounds(recording._together(waiting, {place: [(sec,)]}))
    daily = Place(day="2025-12-31", asset="btc", table="klines")
    waiting = recording._within_bounds(recording._together(waiting, {daily: [(1,), (2,)]}))
    assert waiting[daily] == [(1,), (2,)]
    assert {place.hour for place in waiting} == {1, None}
    lengths = {place.asset: len(rows) for place, rows in waiting.items() if place != daily}
    assert sum(lengths.values()) == 38
    assert abs(lengths["btc"] - lengths["zec"]) <= 2
    assert all(rows[-1] == (59,) for place, rows in waiting.items() if place != daily)


def test_a_stopped_tape_is_an_alarm_that_ends_with_it() -> None:
    def held(trouble: str) -> list[str]:
        who = Provenance(
            name="m", life="1", text="", snapshots=0, latest_wait_ms=0, tape_trouble=trouble
        )
        status = market_data_status(warm_state(), at(2_000), who)
        return [f.kind for f in judge_feeds(status) if f.holds and f.kind == "tape_stopped"]

    assert held("no room") == ["tape_stopped"]
    assert held("") == []


def test_the_tape_lies_beside_the_storage_and_the_sandbox_keeps_none() -> None:
    assert tape_folder("/a/storage") == Path("/a/storage-tape")
    mode = type("Config", (), {"mode": recording.Mode.SANDBOX})
    assert recorder_of(mode, "/a/storage") is None  # type: ignore[arg-type]
    mode.mode = recording.Mode.PAPER
    assert recorder_of(mode, "/a/storage") is not None  # type: ignore[arg-type]


# ---- first frames -------------------------------------------------------------------------------


def test_a_few_frames_of_each_kind_are_kept(tmp_path: Path) -> None:
    first = FirstFrames(tmp_path)
    for number in range(50):
        first.offer("books", json.dumps({"market": str(number), "event_type": "book"}).encode())
        first.offer("books", json.dumps([{"event_type": "price_change"}]).encode())
        first.offer("prices", json.dumps({"channel": "price.crypto.twap"}).encode())
    first.offer("books", b'{"market":"51","event_type":"tick_size_change"}')
    first.offer("books", b"<html>")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "books-book-1.json",
        "books-book-2.json",
        "books-book-3.json",
        "books-price_change-1.json",
        "books-price_change-2.json",
        "books-price_change-3.json",
        "books-str-1.json",
        "books-tick_size_change-1.json",
        *(f"prices-price.crypto.twap-{n}.json" for n in (1, 2, 3)),
    ]


def test_another_life_keeps_the_first_ones(tmp_path: Path) -> None:
    FirstFrames(tmp_path).offer("books", b'{"event_type":"book","asset_id":"1"}')
    FirstFrames(tmp_path).offer("books", b'{"event_type":"book","asset_id":"2"}')
    assert b'"1"' in (tmp_path / "books-book-1.json").read_bytes()


ADDRESS = "0x" + "ab" * 20
UUID = "1f0e2d3c-4b5a-4697-8899-aabbccddeeff"


def test_nothing_that_names_a_person_or_an_account_is_kept() -> None:
    body = {
        "event_type": "trade",
        "market": "0x" + "cd" * 32,
        "asset_id": "71321045679252212594626385532706912750332728571942532289631379312455583992563",
        "owner": UUID,
        "maker_orders": [{"maker_address": ADDRESS, "order_id": "0x" + "12" * 32, "price": "0.5"}],
        "users": [ADDRESS, ADDRESS],
        "auth": {"apiKey": UUID, "secret": "c2VjcmV0", "passphrase": "abc"},
        "note": f"sent by {ADDRESS} of {UUID}, a@b.example, from 192.0.2.1",
        "id": 12345,
        "size": "10",
        "live": True,
        "extra": None,
    }
    kept = stripped(body)
    text = json.dumps(kept)
    for private in (
        ADDRESS,
        UUID,
        "c2VjcmV0",
        "abc",
        "a@b.example",
        "192.0.2.1",
        "12345",
        "12" * 32,
    ):
        assert f'"{private}"' not in text
        assert private not in text or private in ("abc", "12345")
    assert kept["market"] == body["market"]
    assert kept["asset_id"] == body["asset_id"]
    assert kept["maker_orders"][0]["price"] == "0.5"
    assert (kept["size"], kept["live"], kept["extra"]) == ("10", True, None)


@pytest.mark.data
def test_recorded_frames_of_the_user_stream_are_stripped() -> None:
    folder = Path(os.environ.get("MIDSTRIDE_DATA", "../shared/data")) / "fixtures" / "polymarket"
    file = folder / "SHAPES_user_stream_and_orders.jsonl"
    if not file.exists():
        absent(f"no recorded data at {file}")
    for line in file.read_text().splitlines():
        value = json.loads(json.loads(line)["raw"])
        text = json.dumps(stripped(value))
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            for name in ("owner", "maker_address", "transaction_hash", "orderID", "id"):
                private = row.get(name) if isinstance(row, dict) else None
                assert not private or f'"{private}"' not in text, name


def test_a_place_names_its_day_and_hour() -> None:
    assert Place(day=DAY, asset="btc", table="books", hour=7).path == f"{BTC}/books-07.parquet"
    assert Place(day=DAY, asset="btc", table="funding").path == f"{BTC}/funding.parquet"
