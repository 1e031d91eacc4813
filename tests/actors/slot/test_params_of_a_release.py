"""A release brings its own parameter file; the configuration's changes stay on top of it."""

from pathlib import Path

import pytest

from actors.slot import start
from actors.slot.recovery import Recovery
from actors.slot.state import SlotState
from cluster.config.load import DEFAULT_FILE, Deployment, read_config
from signals.market_time import MarketClock
from signals.params import Params
from tests.cluster.gate.builders import URLS


def test_a_number_edited_in_the_file_of_a_release_reaches_its_decisions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = dict.fromkeys(URLS, "http://127.0.0.1:1")
    config = read_config(
        DEFAULT_FILE, Deployment(storage="/nowhere", clock=MarketClock(), venue=venue)
    )
    found = Recovery(
        state=SlotState(slot="btc-5m", params_set={"edge.rest_min": 0.02}),
        memory=SlotState(slot="btc-5m"),
        checkpoint_sequence=0,
        checkpoint_outbox_sequence=0,
        damaged=(),
        gap=None,
    )
    before, _ = start._params(config, "btc-5m", found)
    edited = tmp_path / "params.toml"
    text = start.PARAMS_FILE.read_text(encoding="utf-8")
    edited.write_text(text.replace("strong_body_atr = 0.6", "strong_body_atr = 0.61"))
    monkeypatch.setattr(start, "PARAMS_FILE", edited)
    after, left_out = start._params(config, "btc-5m", found)
    assert left_out == ()
    assert (before.pattern.strong_body_atr, after.pattern.strong_body_atr) == (0.6, 0.61)
    assert after.blend == before.blend == config.params.blend
    assert after.edge.rest_min == 0.02


def test_what_a_newer_release_set_in_place_and_this_one_does_not_know_is_left_out() -> None:
    changes = {"edge.rest_min": 0.02, "edge.of_tomorrow": 1.0, "points.flat": 1e9}
    params, left_out = start._one_by_one(Params(), changes)
    assert params.edge.rest_min == 0.02
    assert [line.partition(" =")[0] for line in left_out] == [
        "params: edge.of_tomorrow",
        "params: points.flat",
    ]
