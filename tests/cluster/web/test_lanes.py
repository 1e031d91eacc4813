"""Pages of the record are slow; what halts the fleet does not wait behind them."""

import asyncio
import threading
from pathlib import Path

import pytest

from cluster.errors import FleetError
from cluster.web import app
from cluster.web.lanes import Lane
from cluster.web.pages import Asked, Page
from cluster.web.record_files import alarms_page
from tests.cluster.web.console_client import client_of, log_in, state_in

PAGES = 5


def test_the_page_that_halts_is_shown_while_pages_of_the_record_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, begun = threading.Event(), threading.Semaphore(0)

    def hangs(asked: Asked) -> object:
        begun.release()
        free.wait()
        return alarms_page(asked)

    slow = Page(path="/slow", title="Slow", template="alarms.html", view=hangs)  # type: ignore[arg-type]
    monkeypatch.setattr(app, "PAGES", (slow,))

    async def run() -> list[int]:
        state = state_in(tmp_path)
        async with client_of(state) as client:
            await log_in(client, state)
            waiting = [asyncio.create_task(client.get("/slow")) for _ in range(PAGES)]
            for _ in range(app.PAGES_AT_ONCE):
                await asyncio.to_thread(begun.acquire)
            try:
                found = [(await client.get(path)).status_code for path in ("/halt", "/")]
            finally:
                free.set()
            return found + [one.status_code for one in await asyncio.gather(*waiting)]

    assert asyncio.run(run()) == [200] * (2 + PAGES)


def test_who_comes_when_too_many_wait_is_told_so_and_the_others_are_served() -> None:
    free = threading.Event()

    async def run() -> list[object]:
        lane = Lane(1, 2)
        inside = [asyncio.create_task(lane.run(free.wait)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(FleetError, match="too many pages"):
            await lane.run(free.wait)
        free.set()
        found = list(await asyncio.gather(*inside))
        return [*found, await lane.run(free.wait)]

    assert asyncio.run(run()) == [True] * 4
