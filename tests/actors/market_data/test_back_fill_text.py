"""How far the back-fill has come stands on the page until all of it is there."""

import msgspec

from actors.market_data.state import Now, initial_state
from actors.market_data.status import (
    Provenance,
    back_fill_text,
    history_known,
    market_data_status,
)
from signals.market import Slot
from tests.actors.market_data.builders import settings

WHO = Provenance(name="m", life="1-1", text="paper", snapshots=0, latest_wait_ms=0)
NOW = Now(1_791_201_600_000, 1_791_201_600_000)


def test_the_bar_grows_with_the_series() -> None:
    assert back_fill_text(0, 72) == "history [........................] 0 of 72 series"
    assert back_fill_text(36, 72) == "history [############............] 36 of 72 series"
    assert back_fill_text(71, 72).count("#") == 23


def test_the_page_says_what_is_missing_and_who_serves() -> None:
    state = initial_state(settings(Slot.parse("btc-5m"), Slot.parse("eth-15m")), NOW)
    wanted = 9 * len(state.feeds)
    assert history_known(state) == (0, wanted)
    feeds = {
        asset: msgspec.structs.replace(known, source="okx") for asset, known in state.feeds.items()
    }
    found = market_data_status(msgspec.structs.replace(state, feeds=feeds), NOW, WHO)
    assert found.trouble[0] == back_fill_text(0, wanted)
    assert found.provenance == f"paper; okx: {' '.join(state.feeds)}"
    assert set(found.sources.values()) == {"okx"}
