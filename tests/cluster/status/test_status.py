import io
import json

import msgspec
from rich.console import Console

from actors.gateway.flight import Flight
from actors.gateway.ledger import Ledger
from actors.gateway.status import Identity, Latency, status_of
from actors.messages import FenceRecord
from actors.slot.status import SlotNotRunning
from cluster.config.load import DEFAULT_FILE, read_config
from cluster.status.fleet_page import FleetPage
from cluster.status.page import SILENT, STARTING, VACANT, Answers, report
from cluster.status.screen import usd
from tests.cluster.config.test_config import deployment

OWNER = FenceRecord(
    slot="btc-5m",
    fence=3,
    incarnation=2,
    life="1-1",
    release="ab" * 32,
    commit="k",
    params="p",
    journal_sequence=1,
    outbox_sequence=1,
)


def nobody_answers() -> Answers:
    return Answers(
        gateway="no answer in time",
        market_data="no actor market-data/1",
        supervisor="no answer in time",
        owners={"btc-5m": OWNER, "eth-5m": msgspec.structs.replace(OWNER, slot="eth-5m")},
        slots={
            "btc-5m": "no answer in time",
            "eth-5m": SlotNotRunning(slot="eth-5m", reason="reading"),
        },
        alarms=(),
    )


def test_a_page_comes_when_nobody_answers_and_names_who_is_silent() -> None:
    found = report(read_config(DEFAULT_FILE, deployment()), "gateway/1", nobody_answers())
    states = {slot.slot: slot.state for slot in found.slots}
    assert len(states) == 16
    assert states["btc-5m"] == SILENT
    assert states["eth-5m"] == STARTING
    assert states["sol-5m"] == VACANT
    assert found.slots[0].fence == 3
    assert len(found.trouble) == 3
    out = io.StringIO()
    Console(file=out, width=200).print(FleetPage(found))
    assert "btc-5m" in out.getvalue()


def test_a_gateway_that_only_starts_is_said_and_its_clock_is_used() -> None:
    who = Identity(name="gateway/1", pid=1, process_start=1, node_id="n", life="1-1")
    phase, at_ms = "starting: disk full", 1_790_000_000_000
    starting = status_of(who, phase, Ledger(), Flight(), Latency(), 1, at_ms)
    answers = msgspec.structs.replace(nobody_answers(), gateway=starting)
    found = report(read_config(DEFAULT_FILE, deployment()), "gateway/1", answers)
    assert found.market_ms == at_ms
    assert any("starting: disk full" in text for text in found.trouble)
    out = io.StringIO()
    Console(file=out, width=200).print(FleetPage(found))
    assert "trading unknown: gateway starting: disk full" in out.getvalue()


def test_the_report_has_the_promised_keys() -> None:
    found = report(read_config(DEFAULT_FILE, deployment()), "gateway/1", nobody_answers())
    document = json.loads(msgspec.json.encode(found))
    assert {"slots", "alarms", "gateway", "feeds"} <= document.keys()
    assert {"trading_state", "heartbeat_gap_ms_max"} <= document["gateway"].keys()
    assert set(document["slots"][0]) == {
        "slot",
        "state",
        "incarnation",
        "fence",
        "release",
        "commit",
        "params",
        "window",
        "position",
        "last_decision",
        "counts",
        "open_orders",
        "realized_pnl_micro_usd",
        "regime",
    }
    assert set(document["slots"][0]["counts"]) == {"decisions", "missed"}


def test_money_is_written_to_the_micro_usd() -> None:
    assert [usd(-44_252_880), usd(1), usd(0)] == ["-44.252880", "0.000001", "0.000000"]
