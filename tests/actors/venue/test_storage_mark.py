"""Paper money and real money never share a storage."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from actors.config import FleetConfig, Mode, SlotConfig, Venue
from actors.venue.connect import connect
from actors.venue.paper.body import PaperBodyError, seal, unseal
from actors.venue.polymarket.orders import BodyError, decode_body
from actors.venue.port import Rejected, SignedOrder, UnsignedOrder
from actors.venue.storage_mark import MARK, mark_problem
from signals.decision import Style
from signals.market import Side
from signals.market_time import MarketClock
from signals.params import load_params
from signals.units import MicroShares, PriceMicroUsd

NOWHERE = "http://127.0.0.1:9"


def config(folder: Path, mode: Mode) -> FleetConfig:
    urls = {name: NOWHERE for name in Venue.__struct_fields__ if name.endswith("_url")}
    return FleetConfig(
        mode=mode,
        storage=str(folder),
        clock=MarketClock(),
        venue=Venue(**urls),
        slots=(SlotConfig(slot="btc-5m"),),
        params=load_params(""),
    )


@pytest.mark.parametrize("first", [Mode.SANDBOX, Mode.PAPER])
def test_a_storage_serves_one_kind_of_venue(tmp_path: Path, first: Mode) -> None:
    other = Mode.PAPER if first is Mode.SANDBOX else Mode.SANDBOX
    assert mark_problem(tmp_path, first) is None
    assert mark_problem(tmp_path, first) is None
    refused = asyncio.run(connect(config(tmp_path, other), 1.0))
    assert isinstance(refused, Rejected)
    assert "--state" in refused.message
    live = mark_problem(tmp_path, Mode.LIVE)
    assert live is not None


def test_a_fleet_from_before_the_mark_is_not_taken_for_paper(tmp_path: Path) -> None:
    (tmp_path / "journal" / "2026-01-01").mkdir(parents=True)
    assert "holds a sandbox fleet" in str(mark_problem(tmp_path, Mode.PAPER))
    assert mark_problem(tmp_path, Mode.SANDBOX) is None
    assert (tmp_path / MARK).read_text().strip() == "sandbox"


def test_neither_venue_reads_the_orders_of_the_other() -> None:
    one = UnsignedOrder(
        condition_id="0xc",
        token_id="1",
        side=Side.BUY,
        style=Style.REST,
        price=PriceMicroUsd(400_000),
        shares=MicroShares(10_000_000),
    )
    sealed = seal(one, 1)
    assert unseal(sealed).order == one
    assert sealed.order_id.startswith("paper-"), "each journal row of it says what it is"
    with pytest.raises(BodyError):
        decode_body(sealed.body)
    real = SignedOrder(order_id="0x1", body=b'{"type":"signed_body"}', signed_wire_ms=1)
    with pytest.raises(PaperBodyError):
        unseal(real)
    newer = sealed.body.replace(b'"version":1', b'"version":9')
    with pytest.raises(PaperBodyError):
        unseal(msgspec.structs.replace(sealed, body=newer))
