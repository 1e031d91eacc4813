import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from cluster.web.app import build
from cluster.web.live import FULL, PAGES_MAX, Fragments, Live, Piece, Stream
from cluster.web.sessions import Session, Sessions, cookie_name
from tests.cluster.web.console_client import HOST, client_of, code_of, state_in


def _piece(text: str) -> dict[str, Piece]:
    return {"a": Piece(html=f"<p id='a'>{text}</p>")}


def test_only_what_changed_is_sent() -> None:
    fragments = Fragments()
    fragments.put({"a": Piece(html="one"), "b": Piece(html="two")})
    seen = fragments.change
    fragments.put({"a": Piece(html="one"), "b": Piece(html="three")})
    news = fragments.since(seen)
    assert "three" in news
    assert "one" not in news
    assert fragments.since(fragments.change) == ""


def test_who_comes_back_gets_what_it_missed_and_an_id_of_another_process_means_nothing() -> None:
    fragments = Fragments()
    fragments.put(_piece("one"))
    identity = fragments.id
    fragments.put(_piece("two"))
    assert fragments.seen_by(identity) == 1
    assert fragments.seen_by("00000000-1") == 0
    for odd in ("", "-", "x", f"{fragments.epoch}-", f"{fragments.epoch}-²", "a-b-c"):
        assert fragments.seen_by(odd) == 0
    assert fragments.seen_by(f"{fragments.epoch}-{'9' * 5_000}") == fragments.change


class Still:
    """A source that changes when it is told to, and counts who asks it."""

    def __init__(self) -> None:
        self.reads = 0
        self.together = 0
        self.text = "first"

    async def read(self) -> Mapping[str, Piece]:
        self.reads += 1
        self.together += 1
        assert self.together == 1, "one reader for all"
        await asyncio.sleep(0.01)
        self.together -= 1
        return _piece(self.text)

    async def rest(self) -> None:
        return


class Browser:
    """One open page: takes what is sent, until it leaves."""

    def __init__(self, session: Session | None = None, cookie: str = "") -> None:
        self.status = 0
        self.body = b""
        self.left = asyncio.Event()
        self.moved = asyncio.Event()
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/live/fleet",
            "raw_path": b"/live/fleet",
            "query_string": b"",
            "headers": [(b"host", HOST.encode()), (b"cookie", cookie.encode())],
            "state": {"session": session},
        }

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")
        self.moved.set()
        self.moved = asyncio.Event()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(20):
            while text not in self.body:
                await self.moved.wait()


def test_a_thousand_pages_have_one_reader_and_the_hundred_and_first_is_told() -> None:
    async def run() -> None:
        source, sessions = Still(), Sessions()
        live = Live(source)
        session = sessions.begin()
        stream = Stream(live, sessions)
        browsers = [Browser(session) for _ in range(1_000)]
        reading = asyncio.create_task(live.run())
        tasks = [asyncio.create_task(stream(one.scope, one.receive, one.send)) for one in browsers]
        taken = browsers[:PAGES_MAX]
        await asyncio.gather(*(one.until(b"first") for one in taken))
        await asyncio.gather(*(one.until(FULL.encode()) for one in browsers[PAGES_MAX:]))
        assert {one.status for one in taken} == {200}
        assert {one.status for one in browsers[PAGES_MAX:]} == {503}
        source.text = "second"
        await asyncio.gather(*(one.until(b"second") for one in taken))
        for one in browsers:
            one.left.set()
        await asyncio.gather(*tasks)
        assert session.live == 0
        late = Browser(session)
        task = asyncio.create_task(stream(late.scope, late.receive, late.send))
        await late.until(b"second")
        late.left.set()
        await task
        reading.cancel()

    asyncio.run(run())


def test_a_browser_that_stopped_reading_holds_up_nobody() -> None:
    class Stopped(Browser):
        async def send(self, message: Message) -> None:
            await super().send(message)
            if b"first" in self.body:
                await asyncio.Event().wait()

    async def run() -> None:
        source, sessions = Still(), Sessions()
        live = Live(source)
        session = sessions.begin()
        stream = Stream(live, sessions)
        stopped, reads = Stopped(session), Browser(session)
        reading = asyncio.create_task(live.run())
        tasks = [
            asyncio.create_task(stream(one.scope, one.receive, one.send))
            for one in (stopped, reads)
        ]
        await stopped.until(b"first")
        source.text = "second"
        await reads.until(b"second")
        for one in (stopped, reads):
            one.left.set()
        await asyncio.gather(*tasks)
        reading.cancel()

    asyncio.run(run())


def test_a_fault_of_the_reader_ends_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    class Faulty(Still):
        async def read(self) -> Mapping[str, Piece]:
            made = await super().read()
            if self.reads == 1:
                raise ValueError("a fault of ours")
            return made

    reported: list[str] = []
    monkeypatch.setattr("cluster.web.live.FAULT_S", 0.01)
    monkeypatch.setattr("cluster.web.live.report", lambda _, fault: reported.append(str(fault)))

    async def run() -> None:
        sessions = Sessions()
        live = Live(Faulty())
        browser = Browser(sessions.begin())
        reading = asyncio.create_task(live.run())
        stream = Stream(live, sessions)
        task = asyncio.create_task(stream(browser.scope, browser.receive, browser.send))
        await browser.until(b"first")
        browser.left.set()
        await task
        reading.cancel()

    asyncio.run(run())
    assert reported == ["a fault of ours"]


def test_signing_out_ends_the_open_pages_of_that_session_alone() -> None:
    async def run() -> None:
        source, sessions = Still(), Sessions()
        live = Live(source)
        mine, other = sessions.begin(), sessions.begin()
        stream = Stream(live, sessions)
        browsers = [Browser(mine), Browser(other)]
        reading = asyncio.create_task(live.run())
        tasks = [asyncio.create_task(stream(one.scope, one.receive, one.send)) for one in browsers]
        await asyncio.gather(*(one.until(b"first") for one in browsers))
        sessions.end(mine)
        live.fragments.wake()
        await browsers[0].until(b"log in again")
        async with asyncio.timeout(20):
            await tasks[0]
        source.text = "second"
        await browsers[1].until(b"second")
        assert b"second" not in browsers[0].body
        browsers[1].left.set()
        await tasks[1]
        reading.cancel()

    asyncio.run(run())


def test_the_stream_of_the_app_sends_the_fleet(tmp_path: Path) -> None:
    state = state_in(tmp_path)

    async def run() -> None:
        app = build(state)
        async with app.router.lifespan_context(app), client_of(state) as client:
            del client
            import httpx

            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as own:
                await own.post(
                    "/login", data={"code": code_of(state)}, headers={"Origin": f"http://{HOST}"}
                )
                name = cookie_name(state.root)
                browser = Browser(cookie=f"{name}={own.cookies[name]}")
            browser.scope.pop("state")
            task = asyncio.create_task(app(browser.scope, browser.receive, browser.send))
            await browser.until(b'id="pulse"')
            assert b"no fleet runs here" in browser.body
            browser.left.set()
            await task

    asyncio.run(run())
