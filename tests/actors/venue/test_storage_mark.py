"""Paper money and real money never share a storage."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from actors.config import FleetConfig, Mode, SlotConfig, Venue
from actors.venue.connect import connect
from actors.venue.kinds import VenueKind, kind_of
from actors.venue.paper.body import PaperBodyError, seal, unseal
from actors.venue.polymarket.orders import BodyError, decode_body
from actors.venue.port import Rejected, SignedOrder, UnsignedOrder
from actors.venue.storage_mark import MARK, kind_in, mark_problem
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


@pytest.mark.parametrize("first", list(VenueKind))
@pytest.mark.parametrize("other", list(VenueKind))
def test_a_storage_serves_one_kind_of_venue(
    tmp_path: Path, first: VenueKind, other: VenueKind
) -> None:
    assert mark_problem(tmp_path, first) is None
    refused = mark_problem(tmp_path, other)
    if first is other:
        assert refused is None
        return
    assert refused is not None
    assert f"holds a {first} fleet" in refused
    assert "--state" in refused
    assert kind_in(tmp_path) is first


@pytest.mark.parametrize(("first", "other"), [(Mode.PAPER, Mode.LIVE), (Mode.LIVE, Mode.SANDBOX)])
def test_no_account_is_opened_in_a_storage_of_another_kind(
    tmp_path: Path, first: Mode, other: Mode
) -> None:
    assert mark_problem(tmp_path, kind_of(config(tmp_path, first))) is None
    refused = asyncio.run(connect(config(tmp_path, other), 1.0))
    assert isinstance(refused, Rejected)
    assert "--state" in refused.message


def test_a_fleet_from_before_the_mark_is_not_taken_for_paper(tmp_path: Path) -> None:
    (tmp_path / "journal" / "2026-01-01").mkdir(parents=True)
    assert "holds a sandbox fleet" in str(mark_problem(tmp_path, VenueKind.PAPER))
    assert mark_problem(tmp_path, VenueKind.SANDBOX) is None
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
