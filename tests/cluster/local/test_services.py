"""`doctor` and the services of a fleet: exchanges, venue and prices, good and broken."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve

from actors.config import FleetConfig, Mode, SlotConfig
from actors.feeds.price_credential import Credential, credential_file, write_credential
from actors.market_data.sources.port import SourceName
from actors.venue.answers import ListedMarket, TokenBook
from actors.venue.port import Unknown
from cluster.local.findings import Finding, Verdict
from cluster.local.services import Services, kept_credential, next_hour
from cluster.sandbox.standins.faults import Fault
from signals.market import DEFAULT_SLOTS, Outcome
from signals.market_time import MarketClock
from signals.params import load_params
from signals.units import MicroShares
from tests.actors.market_data.sources.loopback import StandIns, serving
from tests.actors.venue.loopback import Answer, Loopback, loopback

TWO = (SourceName.OKX, SourceName.BYBIT)


class Reads:
    """The venue's reads; broken ones are named by the test."""

    def __init__(self) -> None:
        self.said: str | Unknown = "2"
        self.wrong: dict[str, Unknown | None] = {}

    async def version(self) -> str | Unknown:
        return self.said

    async def market(self, slug: str) -> ListedMarket | Unknown | None:
        if slug in self.wrong:
            return self.wrong[slug]
        return ListedMarket(
            slug=slug,
            condition_id="0xc",
            up_token_id="1",
            down_token_id="2",
            min_order_shares=MicroShares(5_000_000),
            open_ms=None,
            close_ms=None,
        )

    async def server_time_ms(self) -> int | Unknown:
        return 0

    async def book(self, token_id: str) -> TokenBook | Unknown:
        return Unknown(reason=token_id)

    async def resolution(self, condition_id: str) -> Outcome | Unknown | None:
        del condition_id

    async def close(self) -> None:
        return


def fleet_of(folder: Path, clock: MarketClock, venue: Loopback) -> FleetConfig:
    return FleetConfig(
        mode=Mode.PAPER,
        storage=str(folder / "storage"),
        clock=clock,
        venue=venue.venue(),
        slots=tuple(SlotConfig(slot=str(slot)) for slot in DEFAULT_SLOTS),
        params=load_params(""),
    )


@asynccontextmanager
async def prices_served(stand_ins: StandIns, *, silent: str = "") -> AsyncIterator[str]:
    async def speak(line: ServerConnection) -> None:
        await line.recv()
        await line.send('{"op":"authed"}')
        for row in json.loads(await line.recv())["subscriptions"]:
            symbol = row["filter"]["symbol"]
            if symbol != silent:
                told = {"timestamp": stand_ins.now_ms() - 900, "value": 5.0, "symbol": symbol}
                frame = {"channel": "price.crypto.twap", "seq": 1, "payload": told}
                await line.send(json.dumps(frame))
        await line.wait_closed()

    async with serve(speak, "127.0.0.1", 0) as served:
        yield f"ws://127.0.0.1:{next(iter(served.sockets)).getsockname()[1]}"


def poll(
    folder: Path, reads: Reads, *, broken: bool = False, ahead_ms: int = 0, silent: str = ""
) -> list[Finding]:
    """Ask stand-ins of two exchanges, a venue and its prices."""

    async def ask(venue: Loopback) -> list[Finding]:
        async with serving(StandIns()) as stand_ins, prices_served(stand_ins, silent=silent) as url:
            if broken:
                stand_ins.switch("okx", Fault.HTML)
                stand_ins.switch("bybit", Fault.COUNTRY)
            wire = MarketClock()
            clock = msgspec.structs.replace(
                wire,
                speed=1,
                anchor_wire_ms=0,
                anchor_market_ms=int(stand_ins.now_ms() - wall() + ahead_ms),
            )
            fleet = fleet_of(folder, clock, venue)
            fleet = msgspec.structs.replace(
                fleet, venue=msgspec.structs.replace(fleet.venue, prices_ws_url=url)
            )
            kept = Credential(host=fleet.venue.clob_url, private_key="0x1", api_key="k")
            write_credential(credential_file(fleet.storage), kept)
            sources = {str(name): stand_ins.source(name) for name in TWO}
            try:
                return await Services(fleet, sources, reads).findings()
            finally:
                for source in sources.values():
                    await source.close()

    with loopback() as venue:
        for path in ("/time", "/events", "/"):
            venue.answer("GET", path, Answer([]))
        return asyncio.run(ask(venue))


def wall() -> float:
    from actors.clock import wall_ms

    return wall_ms()


ORDER = (
    "clock",
    "venue: books",
    "venue: markets",
    "venue: data",
    "source okx",
    "source bybit",
    "sources",
    "protocol",
    "price credential",
    "account",
    "markets",
    "prices",
)


def test_services_that_are_well_are_one_table_in_the_order_of_the_checks(tmp_path: Path) -> None:
    found = poll(tmp_path, Reads())
    assert tuple(row.what for row in found) == ORDER
    bad = [row for row in found if row.verdict in (Verdict.WARNING, Verdict.FAULT)]
    assert bad == []
    [markets] = [row for row in found if row.what == "markets"]
    assert markets.detail.startswith("128 of 128")


def test_the_captured_tables_have_the_rows_of_today() -> None:
    page = Path(__file__).parents[3] / "docs" / "doctor.md"
    well, broken, _ = page.read_text(encoding="utf-8").split("```")[1::2]
    for table in (well, broken):
        rows = [line[9:] for line in table.strip("\n").splitlines()]
        assert all(row.startswith(f"{what}: ") for row, what in zip(rows, ORDER, strict=True))


def test_each_broken_service_is_a_row_with_what_to_do(tmp_path: Path) -> None:
    reads = Reads()
    reads.said = "9"
    found = {row.what: row for row in poll(tmp_path, reads, broken=True, silent="zecusd")}
    assert found["protocol"].verdict is Verdict.FAULT
    assert found["clock"].verdict is Verdict.FAULT
    assert found["sources"].verdict is Verdict.FAULT
    assert found["source okx"].verdict is found["source bybit"].verdict is Verdict.WARNING
    assert found["prices"].verdict is Verdict.WARNING
    assert "zec" in found["prices"].detail


@pytest.mark.parametrize(
    ("ahead_ms", "verdict"),
    [(600, Verdict.WARNING), (-3_000, Verdict.FAULT), (60_000, Verdict.FAULT)],
)
def test_a_clock_that_is_off_is_told_against_real_stand_ins(
    tmp_path: Path, ahead_ms: int, verdict: Verdict
) -> None:
    found = {row.what: row for row in poll(tmp_path, Reads(), ahead_ms=ahead_ms)}
    if verdict is Verdict.WARNING and found["clock"].verdict is Verdict.OK:
        assert "(+-" in found["clock"].detail, "a slow machine: the round trip explains it"
    else:
        assert found["clock"].verdict is verdict


def test_the_next_hour_of_sixteen_slots_is_128_windows(tmp_path: Path) -> None:
    with loopback() as venue:
        fleet = fleet_of(tmp_path, MarketClock(), venue)
        for now_ms in (1_767_225_600_000, 1_767_225_600_000 + 299_999):
            assert len(set(next_hour(fleet, now_ms))) == len(next_hour(fleet, now_ms)) == 128


def test_a_credential_that_others_may_read_is_a_fault_of_its_own(tmp_path: Path) -> None:
    with loopback() as venue:
        fleet = fleet_of(tmp_path, MarketClock(), venue)
        assert kept_credential(fleet).verdict is Verdict.NOTE
        file = credential_file(fleet.storage)
        write_credential(file, Credential(host="x", private_key="0x1"))
        assert kept_credential(fleet).verdict is Verdict.OK
        file.chmod(0o644)
        assert kept_credential(fleet).verdict is Verdict.FAULT
