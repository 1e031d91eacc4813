from pathlib import Path

import msgspec
import pytest

from actors.detectors.registry import new_alarm
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from cluster.web.console import WebConsole
from cluster.web.fleet_live import pieces
from cluster.web.fleet_seen import FleetSeen, Seen, learn, lose
from cluster.web.fleet_tiles import STALE_MS, Surroundings, Tile
from cluster.web.fleet_view import FleetView, fleet_view
from cluster.web.live import Fragments
from cluster.web.trading_view import trading_view
from tests.cluster.web.console_client import state_in
from tests.cluster.web.seen_fleet import NOW_MS, dead_gateway, seen_at


def _view(seen: FleetSeen, now_ms: int = NOW_MS, **around: object) -> FleetView:
    return fleet_view(seen, Surroundings(now_ms=now_ms, **around))  # type: ignore[arg-type]


def _tile(view: FleetView, identity: str) -> Tile:
    return next(tile for tile in view.tiles if tile.id == identity)


def test_the_answers_survive_the_way_from_the_reader() -> None:
    seen = seen_at(NOW_MS)
    assert msgspec.json.decode(msgspec.json.encode(seen), type=Seen) == seen


def test_a_fleet_that_answers_has_nothing_stale() -> None:
    view = _view(learn(FleetSeen(), seen_at(NOW_MS)))
    assert len(view.rows) == 16
    assert all(row.since_ms is None for row in view.rows)
    assert all(tile.since_ms is None for tile in view.tiles)
    assert _tile(view, "trading").value == "ACTIVE"


def test_a_silent_slot_keeps_its_numbers_and_says_since_when() -> None:
    known = learn(FleetSeen(), seen_at(NOW_MS))
    view = _view(learn(known, seen_at(NOW_MS + 2_000, "btc-5m")), NOW_MS + 2_000)
    stale = {row.slot: row for row in view.rows if row.since_ms is not None}
    assert list(stale) == ["btc-5m"]
    assert stale["btc-5m"].since_ms == NOW_MS
    assert stale["btc-5m"].state == "silent"
    assert stale["btc-5m"].pnl, "the last known number stays, marked"


def test_a_new_incarnation_that_is_silent_does_not_wear_the_old_ones_numbers() -> None:
    known = learn(FleetSeen(), seen_at(NOW_MS))
    later = seen_at(NOW_MS + 2_000, "btc-5m")
    first, *rest = later.report.slots
    changed = msgspec.structs.replace(first, incarnation=99)
    report = msgspec.structs.replace(later.report, slots=(changed, *rest))
    view = _view(learn(known, msgspec.structs.replace(later, report=report)))
    assert view.rows[0].incarnation == "99"
    assert view.rows[0].pnl == ""


def test_when_all_are_dead_everything_is_stale_and_says_why() -> None:
    known = lose(learn(FleetSeen(), seen_at(NOW_MS)), "the fleet did not answer in time")
    view = _view(known, NOW_MS + STALE_MS + 1)
    assert all(row.since_ms == NOW_MS for row in view.rows)
    stale = {tile.id for tile in view.tiles if tile.since_ms == NOW_MS}
    assert stale == {"trading", "equity", "pnl", "heartbeat", "feeds", "regime", "releases"}
    assert view.problem == "the fleet did not answer in time"


def test_a_gateway_that_is_silent_leaves_its_last_numbers_with_their_age() -> None:
    known = learn(FleetSeen(), seen_at(NOW_MS))
    later_ms = NOW_MS + STALE_MS + 1
    view = _view(learn(known, dead_gateway(seen_at(later_ms))), later_ms)
    assert _tile(view, "equity").since_ms == NOW_MS
    assert _tile(view, "feeds").since_ms == NOW_MS
    assert all(row.since_ms is None for row in view.rows)


def test_the_halt_file_is_shown_whatever_the_gateway_said_last() -> None:
    view = _view(learn(FleetSeen(), seen_at(NOW_MS)), halted="drill")
    assert _tile(view, "trading").value == "HALTED"


def test_what_is_not_known_is_not_a_number() -> None:
    view = _view(FleetSeen())
    assert _tile(view, "equity").value == "unknown cash"
    assert _tile(view, "trading").value == "unknown"
    assert "on time" not in _tile(view, "heartbeat").note


def test_alarms_that_cannot_be_read_are_not_none() -> None:
    tile = _tile(_view(learn(FleetSeen(), seen_at(NOW_MS)), problem="no such disk"), "alarms")
    assert (tile.value, tile.mark) == ("unknown", "bad")
    view = _view(lose(FleetSeen(), "no fleet runs here"), problem="no such disk")
    assert view.problem == "no fleet runs here; no such disk"


@pytest.mark.parametrize("raised_ms", [10**18, -(10**18), 0])
def test_an_alarm_of_an_impossible_time_leaves_the_page_as_it_is(
    raised_ms: int, tmp_path: Path
) -> None:
    state = state_in(tmp_path)
    alarm = new_alarm("no_decision", "btc-5m", {}, wire_ms=raised_ms)
    AlarmStore(LocalStorage(state.storage)).raise_alarm(alarm)
    console = WebConsole(state)
    made = pieces(console.fleet_source.view(), console.renderer)
    assert "no_decision" in made["wrong"].html


def test_a_record_of_processes_that_cannot_be_read_is_a_line_of_the_page(tmp_path: Path) -> None:
    state = state_in(tmp_path)
    state.run_file.mkdir()
    console = WebConsole(state)
    made = pieces(console.fleet_source.view(), console.renderer)
    assert "cannot be read" in made["wrong"].html


def test_a_second_reading_of_the_same_state_sends_the_pulse_alone(tmp_path: Path) -> None:
    renderer = WebConsole(state_in(tmp_path)).renderer
    fragments = Fragments()
    first = learn(FleetSeen(), seen_at(NOW_MS))
    fragments.put(pieces(_view(first), renderer))
    before = fragments.change
    second = learn(first, seen_at(NOW_MS + 2_000))
    fragments.put(pieces(_view(second, NOW_MS + 2_000), renderer))
    news = fragments.since(before)
    assert news.count("<template>") == 1
    assert 'id="pulse"' in news


def test_what_a_strategy_says_is_only_text(tmp_path: Path) -> None:
    renderer = WebConsole(state_in(tmp_path)).renderer
    made = pieces(_view(learn(FleetSeen(), seen_at(NOW_MS))), renderer)
    assert "&lt;b&gt;fair&lt;/b&gt;" in made["slot-btc-5m"].html
    assert "<b>" not in made["slot-btc-5m"].html


def test_what_will_be_cancelled_is_by_the_gateway_while_it_answers_and_then_by_its_log(
    tmp_path: Path,
) -> None:
    storage = WebConsole(state_in(tmp_path)).storage
    seen = learn(FleetSeen(), seen_at(NOW_MS))
    (order,) = trading_view(storage, seen, NOW_MS + 1_000).orders
    assert (order.slot, order.what) == ("btc-5m", "BUY 5 Up at 0.57 USD")
    later = trading_view(storage, seen, NOW_MS + STALE_MS + 1)
    assert later.summary.startswith("What is open is not known")
