"""A person's way through the console, in Debian's chromium, against the real process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from actors.detectors.registry import new_alarm
from actors.gateway.lock import HALT_FILE
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from cluster.local.state_folder import StateFolder
from cluster.web.operators import OperatorJournal
from tests.cluster.web.console_client import state_in

CHROMIUM: Final = Path("/usr/bin/chromium")
LIMIT_MS: Final = 60_000
SIZES: Final = ((1440, "light"), (390, "dark"))

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="chromium is not here: apt-get install chromium"
)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return state_in(tmp_path)


@pytest.fixture
def link(state: StateFolder) -> Iterator[str]:
    """The login link of a console that runs as a person starts it; no fleet runs beside it."""
    with subprocess.Popen(
        [sys.executable, "-m", "cluster", "console", f"--state={state.root}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"XDG_STATE_HOME": str(state.root)},
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()


def _watched(browser: Browser, complaints: list[str]) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(LIMIT_MS)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def test_log_in_see_an_alarm_arrive_and_halt(
    state: StateFolder, link: str, browser: Browser, tmp_path: Path
) -> None:
    complaints: list[str] = []
    page = _watched(browser, complaints)
    base = link.partition("/login")[0]
    page.goto(link)
    page.wait_for_url(f"{base}/")
    expect(page.locator("#wrong")).to_contain_text("no fleet runs here", timeout=LIMIT_MS)
    alarm = new_alarm(
        "missed_decision", "btc-5m", {}, action="<script>document.title='x'</script>", wire_ms=1
    )
    AlarmStore(LocalStorage(state.storage)).raise_alarm(alarm)
    expect(page.locator("#wrong")).to_contain_text("missed_decision btc-5m", timeout=LIMIT_MS)
    expect(page).to_have_title("Fleet · fleet-a")
    for width, scheme in SIZES:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.screenshot(path=str(tmp_path / f"fleet-{width}-{scheme}.png"), full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, "nothing is wider than the screen"

    page.get_by_role("link", name="Halt").click()
    page.get_by_label("Type the fleet's name: fleet-a").fill("fleet-b")
    page.get_by_role("button", name="Halt fleet-a").click()
    expect(page.get_by_text("Nothing was done")).to_be_visible()
    assert not (state.storage / HALT_FILE).exists()
    complaints.clear()  # chromium tells of the refusal's status

    page.get_by_label("Type the fleet's name: fleet-a").fill("fleet-a")
    page.get_by_label("Reason").first.fill("seen in the browser")
    page.get_by_role("button", name="Halt fleet-a").click()
    expect(page.locator("#progress")).to_contain_text("trading is halted", timeout=LIMIT_MS)
    assert (state.storage / HALT_FILE).read_text().strip() == "seen in the browser"
    assert OperatorJournal(state.root).rows(1)[0].why == "seen in the browser"
    page.screenshot(path=str(tmp_path / "halted.png"), full_page=True)

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{base}/login")
    assert complaints == []
    page.goto(link)
    expect(page.get_by_text("was used before")).to_be_visible()
