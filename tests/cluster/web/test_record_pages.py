"""Pages of the record in the real console: they show, they escape, they stay small, they refuse."""

import asyncio
import os
import re
from pathlib import Path
from typing import Final

import httpx
import pytest
from msgspec.structs import replace

from actors.detectors.registry import new_alarm
from actors.rollout.record import ROLLOUTS, encode_state
from actors.rollout.rollout_state import Options
from actors.slot.facts import DecisionFact
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from cluster.local.state_folder import StateFolder
from cluster.web import record_files
from cluster.web.all_pages import BUTTONS, PAGES
from cluster.web.operators import OperatorJournal
from signals.market import Outcome
from tests.actors.rollout.rollouts import SLOTS, begun
from tests.cluster.audit.builders import Story
from tests.cluster.web.console_client import OWN, client_of, log_in, state_in

BAD: Final = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e"
LONG: Final = BAD + "x" * 1_000_000
PAGE_BYTES_MAX: Final = 250_000
RELEASE: Final = "ab" * 32


def hostile_fact(fact: DecisionFact) -> DecisionFact:
    factors = tuple(replace(one, reason=LONG) for one in fact.decision.factors)
    decision = replace(fact.decision, reason=LONG, factors=factors)
    return replace(fact, due_ms=fact.due_ms + 300_000, decision=decision, intents=())


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    """A fleet's folder in which every text that comes from outside is hostile."""
    found = state_in(tmp_path)
    storage = LocalStorage(found.storage)
    story = Story(storage, RELEASE)
    fact = story.trade(Outcome.UP)
    story.record(hostile_fact(fact))
    AlarmStore(storage).raise_alarm(
        new_alarm("no_decision", "btc-5m", {BAD: LONG}, wire_ms=1_000, action=LONG)
    )
    rollout = begun(Options())
    first = replace(rollout.handoffs[SLOTS[0]], failure=LONG)
    rollout = replace(
        rollout, rollout="r0001", failure=LONG, handoffs=rollout.handoffs | {SLOTS[0]: first}
    )
    storage.write(f"{ROLLOUTS}/r0001/state.json", encode_state(rollout))
    OperatorJournal(found.root).of("ann", BAD, BAD, BAD).begin()
    return found


def shown(state: StateFolder, *paths: str) -> list[httpx.Response]:
    """Log in and load pages, one after the other."""

    async def run() -> list[httpx.Response]:
        async with client_of(state) as client:
            await log_in(client, state)
            return [await client.get(path) for path in paths]

    return asyncio.run(run())


def pressed(
    state: StateFolder, path: str, then: str = "", **form: str
) -> tuple[httpx.Response, httpx.Response | None]:
    """Log in and press a button; return its answer, and a page after it (by default its own)."""

    async def run() -> tuple[httpx.Response, httpx.Response | None]:
        async with client_of(state) as client:
            csrf = await log_in(client, state)
            answer = await client.post(path, data={"csrf": csrf} | form, headers=OWN)
            following = then or answer.headers.get("location", "")
            return answer, await client.get(following) if following else None

    return asyncio.run(run())


@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_each_page_shows_hostile_text_as_text_and_stays_small(
    state: StateFolder, path: str
) -> None:
    (page,) = shown(state, path)
    assert page.status_code == 200, page.text
    assert len(page.content) < PAGE_BYTES_MAX
    assert "<img" not in page.text
    assert "alert(1)</script>" not in page.text
    assert "\u202e" not in page.text
    assert not re.search(r"<[^>]+\s(style|on\w+)=", page.text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page.text))


def test_the_trade_of_the_list_is_shown_with_its_releases(state: StateFolder) -> None:
    (listed,) = shown(state, "/trade")
    link = re.search(r'href="(/trade\?id=[^"]+)"', listed.text)
    assert link is not None
    (page,) = shown(state, link[1])
    assert page.status_code == 200
    for word in ("settlement", "Decide it again", RELEASE[:10]):
        assert word in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/trade?id=" + "x" * 300,
        "/trade?id=%00%27%3Bdrop",
        "/trade?id=btc-5m/1/999999999999999999999/0",
        "/slot?slot=nobody-5m",
        "/slot?slot=btc-5m&due=99999999999999999999999",
        "/slot?slot=btc-5m&due=%C2%B2",
        "/releases?days=0",
        "/releases?days=1e9",
        "/releases?days=%EF%BC%91",
        "/rollouts?id=../../../etc/passwd",
        "/rollouts?id=r9999",
    ],
)
def test_an_odd_address_is_answered_in_words(state: StateFolder, path: str) -> None:
    (page,) = shown(state, path)
    assert page.status_code in {200, 503}, page.text
    assert "Traceback" not in page.text
    assert "<main" in page.text


@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_a_fleet_that_did_nothing_yet_has_pages_that_say_so(tmp_path: Path, path: str) -> None:
    (page,) = shown(state_in(tmp_path, "empty"), path)
    assert page.status_code in {200, 503}
    assert re.search(r"No alarm|Nothing|Nobody|nothing was", page.text)


def test_an_alarm_is_cleared_with_its_reason_and_journaled(state: StateFolder) -> None:
    about = {"id": "no_decision.btc-5m.1", "reason": "it decided again"}
    answer, page = pressed(state, "/alarms/clear", "/operators", **about)
    assert (answer.status_code, answer.headers["location"]) == (303, "/alarms")
    (alarm,) = AlarmStore(LocalStorage(state.storage)).history()
    assert alarm.cleared is not None
    assert alarm.cleared.reason == "it decided again"
    assert "console" in alarm.cleared.who
    assert page is not None
    assert "it decided again" in page.text
    assert "no_decision.btc-5m.1" in page.text


@pytest.mark.parametrize("path", [button.path for button in BUTTONS])
def test_each_button_refuses_without_a_reason_and_without_its_field(
    state: StateFolder, path: str
) -> None:
    about = {"id": "no_decision.btc-5m.1", "to": RELEASE}
    assert pressed(state, path, **about)[0].status_code == 400
    assert pressed(state, path, csrf="x", reason="r", **about)[0].status_code == 403
    assert AlarmStore(LocalStorage(state.storage)).latched()


@pytest.mark.parametrize(
    ("path", "about", "said"),
    [
        ("/alarms/clear", {"id": "nobody"}, "there is no alarm nobody"),
        ("/alarms/clear", {"kind": "wrong_code"}, "there is no alarm of kind wrong_code"),
        ("/alarms/clear", {}, "no alarm is named"),
        ("/rollouts/abort", {}, "midstride run"),
        ("/rollouts/rollback", {"to": RELEASE}, "midstride run"),
        ("/trade/rerun", {"intent": "btc-5m/1/2"}, "no trade is named"),
        ("/trade/rerun", {"intent": "btc-5m/1/2/0"}, "no recorded decision"),
    ],
)
def test_what_a_command_refuses_its_button_refuses_in_the_same_words(
    state: StateFolder, path: str, about: dict[str, str], said: str
) -> None:
    answer, page = pressed(state, path, reason="try", **about)
    assert answer.status_code == 303
    assert page is not None
    assert said in page.text
    assert "Refused" in page.text
    assert AlarmStore(LocalStorage(state.storage)).latched()


@pytest.mark.parametrize("name", ["state.json", "report.json", "plan.json"])
def test_a_damaged_file_of_a_rollout_leaves_abort_and_rollback_on_the_page(
    state: StateFolder, name: str
) -> None:
    LocalStorage(state.storage).write(f"{ROLLOUTS}/r0001/{name}", b"{torn")
    (page,) = shown(state, "/rollouts")
    assert page.status_code == 200
    assert f"r0001/{name}" in page.text
    assert 'action="/rollouts/abort"' in page.text


def test_what_else_lies_in_the_journals_folder_is_no_day(state: StateFolder) -> None:
    for name in ("zzz", ".DS_Store", "2099-13-99", "20990101"):
        (state.storage / "journal" / name).mkdir()
    for page in shown(state, "/slot", "/trade", "/releases"):
        assert page.status_code == 200


def test_of_years_of_cleared_alarms_the_latest_are_read(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_files, "CLEARED_MAX", 2)
    store = AlarmStore(LocalStorage(state.storage))
    for number in range(4):
        slot = f"eth{number}-5m"
        store.raise_alarm(new_alarm("no_decision", slot, {}, wire_ms=1_000))
        store.clear(f"no_decision.{slot}.1", f"reason {number}", "ann", 2_000 + number)
        file = state.storage / "alarms" / f"no_decision.{slot}.1.cleared.json"
        os.utime(file, (number, number))
    for page in shown(state, "/operators", "/alarms?cleared=1"):
        assert [n for n in range(4) if f"reason {n}" in page.text] == [2, 3]


def test_alarms_are_shown_where_the_record_of_processes_cannot_be_read(tmp_path: Path) -> None:
    state = state_in(tmp_path)
    alarm = new_alarm("no_decision", "btc-5m", {}, wire_ms=1_000)
    AlarmStore(LocalStorage(state.storage)).raise_alarm(alarm)
    state.run_file.mkdir()

    async def run() -> httpx.Response:
        async with client_of(state) as client:
            await log_in(client, state)
            return await client.get("/alarms")

    page = asyncio.run(run())
    assert page.status_code == 200
    assert "whether the fleet died is not known" in page.text
    assert "no_decision.btc-5m.1" in page.text
