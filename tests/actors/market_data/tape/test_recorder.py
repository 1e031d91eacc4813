"""The recorder runs beside the market; a disk that fails stops nothing else."""

import asyncio
from pathlib import Path

import pytest

from actors.market_data.state import MarketDataState
from actors.market_data.status import Provenance, market_data_status
from actors.market_data.tape import recorder as recording
from actors.market_data.tape.first_frames import FirstFrames
from actors.market_data.tape.recorder import Recorder, recorder_of, tape_folder
from actors.market_data.tape.rows import Marks, Place, Rows, book_rows, new_rows
from actors.supervisor.alarms import judge_feeds
from tests.actors.market_data.builders import T0, at
from tests.actors.market_data.journeys import warm_state
from tests.actors.market_data.tape.builders import BTC, DAY, rows_of, ticked


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
