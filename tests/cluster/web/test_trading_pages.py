import asyncio
import threading
from pathlib import Path

import httpx
import pytest

from actors.gateway.lock import HALT_FILE
from checkpoints.storage import LocalStorage
from cluster.halting.fence import Mark, set_mark
from cluster.local.state_folder import StateFolder
from cluster.web.operators import OperatorJournal
from tests.cluster.web.console_client import OWN, client_of, code_of, log_in, state_in

SCRIPT = "<script>alert(1)</script><hx-partial hx-target='#main'>"


async def _post(client: httpx.AsyncClient, path: str, csrf: str, **fields: str) -> httpx.Response:
    return await client.post(path, data={"csrf": csrf, **fields}, headers=OWN)


async def _ended(client: httpx.AsyncClient) -> str:
    """Wait for the order's end, as the open page does."""
    async with asyncio.timeout(60):
        while True:
            page = (await client.get("/halt/progress")).text
            if "data-poll" not in page:
                return page
            await asyncio.sleep(0.05)


def _named(state: StateFolder, what: str) -> list[tuple[str, str]]:
    rows = OperatorJournal(state.root).rows(100)
    return [(row.why, row.result) for row in rows if row.what == what]


def test_the_typed_name_halts_without_ray_and_the_journal_says_who(tmp_path: Path) -> None:
    state = state_in(tmp_path)

    async def run() -> tuple[httpx.Response, bool, str]:
        async with client_of(state) as client:
            csrf = await log_in(client, state)
            answer = await _post(client, "/halt", csrf, fleet="fleet-a", reason=SCRIPT)
            at_once = (state.storage / HALT_FILE).exists()
            return answer, at_once, await _ended(client)

    answer, at_once, page = asyncio.run(run())
    assert (answer.status_code, answer.headers["location"]) == (303, "/halt")
    assert at_once, "the file stands before the command has started"
    assert "trading is halted" in page
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page
    assert (state.storage / HALT_FILE).read_text().strip() == SCRIPT
    begun, ended = OperatorJournal(state.root).rows(10)
    assert begun.id == ended.id
    assert "console session 1" in begun.who
    assert begun.why == SCRIPT
    assert begun.result == ""
    assert ended.result


def test_two_who_press_halt_at_once_halt_once(tmp_path: Path) -> None:
    state = state_in(tmp_path)

    async def run() -> None:
        async with client_of(state) as client:
            csrf = await log_in(client, state)
            presses = (
                _post(client, "/halt", csrf, fleet="fleet-a", reason=f"press {number}")
                for number in range(5)
            )
            answers = await asyncio.gather(*presses)
            assert {answer.status_code for answer in answers} == {303}
            await _ended(client)

    asyncio.run(run())
    rows = _named(state, "halt trading")
    assert {why for why, _ in rows} == {f"press {number}" for number in range(5)}
    joined = [why for why, result in rows if result == "a halt was under way already"]
    assert len(joined) == 4
    assert len(rows) == 4 + 2  # one halt, its beginning and its end


def test_a_halt_ends_a_resume_that_is_under_way(tmp_path: Path) -> None:
    state = state_in(tmp_path)

    async def run() -> str:
        async with client_of(state) as client:
            csrf = await log_in(client, state)
            back = await _post(client, "/resume", csrf, reason="over", code=code_of(state))
            assert back.status_code == 303, back.text
            await _post(client, "/halt", csrf, fleet="fleet-a", reason="no")
            return await _ended(client)

    assert "trading is halted" in asyncio.run(run())
    assert (state.storage / HALT_FILE).exists()


def test_no_resume_begins_while_a_halt_writes_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = state_in(tmp_path)
    writes, may_end = threading.Event(), threading.Event()

    def slow_mark(storage: LocalStorage, reason: str) -> Mark:
        writes.set()
        assert may_end.wait(30)
        return set_mark(storage, reason)

    monkeypatch.setattr("cluster.web.trading.set_mark", slow_mark)

    async def run() -> tuple[int, str]:
        async with client_of(state) as client:
            csrf = await log_in(client, state)
            halt = asyncio.create_task(_post(client, "/halt", csrf, fleet="fleet-a", reason="no"))
            await asyncio.to_thread(writes.wait, 30)
            resume = await _post(client, "/resume", csrf, reason="over", code=code_of(state))
            may_end.set()
            await halt
            return resume.status_code, await _ended(client)

    status, page = asyncio.run(run())
    assert status == 409
    assert "trading is halted" in page
    assert _named(state, "resume trading") == []


def test_a_file_that_cannot_be_written_keeps_no_command_from_halting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = state_in(tmp_path)

    def broken_mark(_storage: LocalStorage, _reason: str) -> Mark:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("cluster.web.trading.set_mark", broken_mark)

    async def run() -> str:
        async with client_of(state) as client:
            csrf = await log_in(client, state)
            await _post(client, "/halt", csrf, fleet="fleet-a", reason="no")
            return await _ended(client)

    assert "trading is halted" in asyncio.run(run())


def test_a_resume_is_refused_as_the_command_refuses_it(tmp_path: Path) -> None:
    state = state_in(tmp_path)
    (state.storage / HALT_FILE).write_text("drill")

    async def run() -> str:
        async with client_of(state) as client:
            csrf = await log_in(client, state)
            await _post(client, "/resume", csrf, reason="over", code=code_of(state))
            return await _ended(client)

    page = asyncio.run(run())
    assert "no fleet runs" in page
    assert "refused or failed" in page
    assert (state.storage / HALT_FILE).exists()
    (begun, ended) = _named(state, "resume trading")
    assert begun == ("over", "")
    assert ended[1].startswith("refused: no fleet runs")


def test_the_code_that_logged_in_does_not_resume(tmp_path: Path) -> None:
    state = state_in(tmp_path)
    code = code_of(state)

    async def run() -> int:
        async with client_of(state) as client:
            await client.post("/login", data={"code": code}, headers=OWN)
            page = (await client.get("/halt")).text
            csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
            return (await _post(client, "/resume", csrf, reason="x", code=code)).status_code

    assert asyncio.run(run()) == 403


@pytest.mark.parametrize(
    ("reason", "begins"),
    [
        ("", "operator"),
        ("x" * 5_000, "x" * 400),
        ("\x1b[2J\r\n; reboot", "\\x1b[2J ; reboot"),
        ("--config=/etc/x", "--config=/etc/x"),
    ],
)
def test_no_reason_keeps_a_halt_from_halting(reason: str, begins: str, tmp_path: Path) -> None:
    state = state_in(tmp_path)

    async def run() -> str:
        async with client_of(state) as client:
            csrf = await log_in(client, state)
            await _post(client, "/halt", csrf, fleet=" fleet-a ", reason=reason)
            return await _ended(client)

    assert "trading is halted" in asyncio.run(run())
    kept = (state.storage / HALT_FILE).read_text()
    assert "\x1b" not in kept
    assert len(kept) <= 501
    assert kept.startswith(begins)
