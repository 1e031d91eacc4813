"""What happens to the sources is kept for good, and a person is told once."""

from pathlib import Path

import msgspec
import pytest

from actors.config import FleetConfig
from actors.market_data.sources.addresses import REAL
from actors.market_data.sources.own_clock import Judged
from actors.market_data.sources.port import Cause, Refusal, SourceName
from actors.market_data.sources.records import SWITCHES, SourceRecords
from actors.market_data.sources.selection import SourceSwitch
from actors.messages import decode
from actors.rollout.plan import alarm_refusals
from actors.runtime import load_config
from checkpoints.alarms import AlarmStore
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage
from signals.market import Asset
from tests.actors.gateway.shells import configure

BTC = Asset("btc")


def switch(source: str, before: str | None, wire_ms: int, reason: str = "frozen") -> SourceSwitch:
    return SourceSwitch(
        asset=BTC,
        source=SourceName(source),
        before=None if before is None else SourceName(before),
        reason=reason,
        market_ms=wire_ms,
        wire_ms=wire_ms,
    )


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


def records(storage: LocalStorage) -> SourceRecords:
    return SourceRecords(_config(storage), storage)


def _config(storage: LocalStorage) -> FleetConfig:
    configure(storage.root)
    return msgspec.structs.replace(load_config(str(storage.root)), sources=REAL)


def latched(storage: LocalStorage) -> set[tuple[str, str]]:
    return {(one.alarm.kind, one.alarm.subject) for one in AlarmStore(storage).latched()}


def test_every_switch_is_a_record_with_its_reason(storage: LocalStorage) -> None:
    one, two = switch("binance_usdm", None, 5), switch("okx", "binance_usdm", 7)
    for each in (one, two):
        records(storage).switched(each)
    kept = [decode(storage.read(name), SourceSwitch) for name in storage.names(f"{SWITCHES}/")]
    assert sorted(kept, key=lambda each: each.wire_ms) == [one, two]


def test_a_switch_is_an_alarm_until_the_first_source_serves_again(storage: LocalStorage) -> None:
    records(storage).switched(switch("binance_usdm", None, 1, "first"))
    assert latched(storage) == set(), "the start is no alarm"
    records(storage).switched(switch("okx", "binance_usdm", 2))
    assert latched(storage) == {("source_switched", "btc")}
    records(storage).switched(switch("binance_usdm", "okx", 3, "again"))
    assert latched(storage) == set()


def test_a_switch_is_a_notice_and_keeps_no_update_from_starting(storage: LocalStorage) -> None:
    records(storage).switched(switch("okx", "binance_usdm", 2))
    (found,) = AlarmStore(storage).latched()
    assert found.alarm.severity is Severity.NOTICE
    assert list(alarm_refusals(storage)) == []
    records(storage).none_serves(BTC, "all refuse")
    (refusal,) = alarm_refusals(storage)
    assert "1 alarm not cleared, of no_source (1)" in refusal


def test_a_wrong_clock_is_told_once_until_it_is_right_also_by_a_later_life(
    storage: LocalStorage,
) -> None:
    for _ in range(2):
        records(storage).own_clock(Judged(away="3 s"))
        assert latched(storage) == {("clock_off", "exchanges")}
    records(storage).own_clock(Judged())
    assert latched(storage) == set()


def test_a_jump_is_told_until_a_person_has_seen_it(storage: LocalStorage) -> None:
    kept = records(storage)
    kept.own_clock(Judged(jumped="by 400 ms"))
    kept.own_clock(Judged())
    assert latched(storage) == {("clock_jumped", "exchanges")}


def test_an_asset_that_no_source_serves_is_told_until_one_does(storage: LocalStorage) -> None:
    records(storage).none_serves(BTC, "all refuse")
    assert latched(storage) == {("no_source", "btc")}
    records(storage).switched(switch("binance_usdm", None, 1, "first"))
    assert latched(storage) == set()
    records(storage).none_serves(BTC, "all refuse")
    records(storage).serves_again(Asset("eth"))
    assert latched(storage) == {("no_source", "btc")}
    records(storage).serves_again(BTC)
    assert latched(storage) == set()


def test_a_source_that_says_no_is_named_with_its_words(storage: LocalStorage) -> None:
    refusal = Refusal(source=SourceName.BYBIT, cause=Cause.BLOCKED, reason="HTTP 403: country")
    records(storage).source_refused(refusal)
    (state,) = AlarmStore(storage).latched()
    assert (state.alarm.kind, state.alarm.subject) == ("source_refused", "bybit")
    assert state.alarm.evidence["answered"] == "HTTP 403: country"
