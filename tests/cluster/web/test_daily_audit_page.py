"""The page of the daily audit: what it found, escaped, and the days before."""

import asyncio
from pathlib import Path

import httpx
import pytest

from checkpoints.storage import LocalStorage
from cluster.daily_audit import records
from cluster.daily_audit.report import CheckState, DayFigures, check_of
from cluster.local.state_folder import StateFolder
from tests.cluster.daily_audit.test_records import DAY, audit
from tests.cluster.web.console_client import client_of, log_in, state_in

SCRIPT = "<script>alert(1)</script>"
WRONG = check_of("venue", CheckState.FAILED, "12 fills", (f"fill {SCRIPT}\x1b[2J", *("x" * 9) * 9))


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    state = state_in(tmp_path)
    storage = LocalStorage(state.storage)
    figures = DayFigures(decisions=4_608, slots=16, pnl_micro_usd=-2_500_000)
    records.keep(storage, audit("2026-03-03", figures=figures))
    records.keep(storage, audit(DAY, well=False, checks=(WRONG,)))
    return state


def shown(state: StateFolder, **query: str) -> httpx.Response:
    """Return the page as a browser that is logged in gets it."""

    async def ask() -> httpx.Response:
        async with client_of(state) as client:
            await log_in(client, state)
            return await client.get("/daily-audit", params=query)

    return asyncio.run(ask())


def test_the_last_audit_and_the_days_before_are_shown_and_every_text_is_escaped(
    state: StateFolder,
) -> None:
    last, before = shown(state), shown(state, day="2026-03-03")
    assert last.status_code == before.status_code == 200
    assert f"{DAY} (paper): NOT WELL: venue (failed)" in last.text
    assert SCRIPT not in last.text
    assert "&lt;script&gt;" in last.text
    assert "\x1b" not in last.text
    assert "and 74 more" in last.text
    assert "did not happen since" in last.text
    assert "2026-03-03 (paper): still well" in before.text
    assert "4608 decisions of 16 slots" in before.text
    assert "-2.50" in before.text


@pytest.mark.parametrize("day", ["2026-03-09", "../../etc/passwd", "", "x" * 1_000])
def test_a_day_without_an_audit_is_a_sentence(state: StateFolder, day: str) -> None:
    answer = shown(state, day=day)
    assert answer.status_code == 200
    assert "There is no audit of that day." in answer.text


def test_a_fleet_that_was_never_audited_and_a_damaged_record_are_said(
    state: StateFolder,
) -> None:
    for day in ("2026-03-03", DAY):
        (state.storage / "audits" / f"{day}.json").write_bytes(b"{")
    answer = shown(state)
    assert answer.status_code == 200
    assert "Nothing was audited yet" in answer.text
